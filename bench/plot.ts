/** Bars with numbers as an SVG, for the documentation: one a row, in the unit of the rows. */
export interface Bar {
  readonly name: string;
  readonly value: number;
}

const ROW = 34;
const LEFT = 300;
const WIDTH = 760;
const BARS = WIDTH - LEFT - 90;

/** @param unit behind each number */
export function plot(title: string, bars: readonly Bar[], unit: string): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const height = 50 + bars.length * ROW;
  const rows = bars.map(({ name, value }, at) => {
    const y = 44 + at * ROW;
    const width = Math.max(2, (value / most) * BARS);
    return (
      `<text x="${LEFT - 10}" y="${y + 16}" text-anchor="end">${escape(name)}</text>` +
      `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="22" rx="3" fill="#0b76b8"/>` +
      `<text x="${(LEFT + width + 8).toFixed(1)}" y="${y + 16}">${value.toFixed(2)} ${escape(unit)}</text>`
    );
  });
  // Colours that can be read on a light and on a dark page.
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(title)}" ` +
    `font-family="system-ui, sans-serif" font-size="14" fill="#6b7785"><text x="10" y="24" font-size="16" font-weight="600">` +
    `${escape(title)}</text>${rows.join("")}</svg>\n`
  );
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
