/** A style sheet, imported as its text (see the loader in scripts/build.ts). */
declare module "*.css" {
  const text: string;
  export default text;
}
