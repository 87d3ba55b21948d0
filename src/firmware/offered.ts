/** Which of a site's firmware a stored router belongs to. */
import { loadCatalogue } from "./catalogue.js";
import { loadManifest } from "./load.js";

/**
 * @param root SHA-256 of a root image, hex
 * @param assets URL of the directory that holds `images/`, ending in a slash
 * @param first the name that is looked at before the others
 * @returns the name under which the site offers the firmware with this root; undefined when it does not
 */
export async function firmwareWithRoot(
  root: string,
  assets: URL,
  first: string,
): Promise<string | undefined> {
  const has = async (name: string) => {
    const manifest = await loadManifest(assets, name).catch(() => undefined);
    return manifest?.root.sha256 === root;
  };
  if (await has(first)) return first;
  // Without a catalogue a site offers what its pages name.
  const offered = await loadCatalogue(assets).catch(() => []);
  for (const { name } of offered) if (name !== first && (await has(name))) return name;
  return undefined;
}
