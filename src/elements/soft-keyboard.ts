/**
 * The keyboard on the screen of a phone, which covers the lower part of the page.
 *
 * A site can have the browser shrink the page instead (`interactive-widget=resizes-content` in its viewport meta
 * element); where it does not, or the browser cannot (Safari), what is covered has to be found out.
 */

/** What `visualViewport` says. */
export type ViewportBox = Pick<VisualViewport, "offsetTop" | "height" | "scale">;

/** Less of an element, in CSS pixels, is of no use; then it stays as it is, and the person scrolls. */
const LEAST_LEFT = 120;

/**
 * @param box where the element is, in CSS pixels of the layout viewport
 * @returns how much of the element's lower part is covered, in CSS pixels; 0 while the page is magnified
 */
export function coveredHeight(
  box: Pick<DOMRect, "top" | "bottom">,
  { offsetTop, height, scale }: ViewportBox,
): number {
  if (Math.abs(scale - 1) > 0.01) return 0;
  const covered = Math.max(0, box.bottom - (offsetTop + height));
  return box.bottom - covered - Math.max(box.top, offsetTop) < LEAST_LEFT ? 0 : covered;
}
