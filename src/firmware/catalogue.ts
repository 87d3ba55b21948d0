/** `images/catalogue.json`: which firmware a site offers. Written when the site is published, see src/cli/publish.ts. */
import { downloadText } from "./download.js";
import { FirmwareError } from "./errors.js";
import {
  checkFormat,
  MAX_TITLE_CHARACTERS,
  nameField,
  parseObject,
  textField,
} from "./manifest.js";

/** Version of the format. */
export const CATALOGUE_FORMAT = 1;

const FILE = "catalogue.json";

/** One firmware of the site. */
export interface CatalogueEntry {
  readonly name: string;
  /** what a person reads in a list */
  readonly title: string;
}

/**
 * @param text content of catalogue.json, at most 64 KiB
 * @returns the firmware in the site's order, the default first
 * @throws {FirmwareError} `manifest` or `newer`
 */
export function parseCatalogue(text: string): CatalogueEntry[] {
  const catalogue = parseObject(text, FILE);
  checkFormat(catalogue, CATALOGUE_FORMAT, FILE);
  const list: unknown = catalogue["firmware"];
  if (!Array.isArray(list)) throw new FirmwareError("manifest", `${FILE} has no list "firmware"`);
  return list.map((entry: unknown) => {
    const { name, title } = (entry ?? {}) as Record<string, unknown>;
    return {
      name: nameField(name, "name"),
      title: textField(title, "title", MAX_TITLE_CHARACTERS),
    };
  });
}

/** The text of catalogue.json for these. */
export function formatCatalogue(firmware: readonly CatalogueEntry[]): string {
  const entries = firmware.map(({ name, title }) => ({ name, title }));
  return JSON.stringify({ format: CATALOGUE_FORMAT, firmware: entries }, null, 2) + "\n";
}

/**
 * @param assets URL of the directory that holds `images/`, ending in a slash
 * @throws {FirmwareError} `missing-file`, `network`, `manifest` or `newer`
 */
export async function loadCatalogue(
  assets: URL,
  options: { readonly signal?: AbortSignal } = {},
): Promise<CatalogueEntry[]> {
  const text = await downloadText(new URL(`images/${FILE}`, assets), options.signal);
  if (text === undefined) throw new FirmwareError("missing-file", FILE);
  return parseCatalogue(text);
}
