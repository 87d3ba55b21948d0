/** The try-it page: takes `?firmware=NAME&overlay=NAME` and starts that machine. */
import { loadCatalogue } from "../firmware/catalogue.js";

const query = new URLSearchParams(location.search);
const firmware = query.get("firmware") ?? "demo";
const overlay = query.get("overlay") ?? "default";

const router = document.createElement("openwrt-playground");
router.setAttribute("firmware", firmware);
router.setAttribute("overlay", overlay);
router.setAttribute("autostart", "");
router.setAttribute("guest-origin", guestOrigin());
router.addEventListener("openrouter", (event) => {
  event.preventDefault();
  // The address is what is shared and kept as a bookmark.
  location.search = String(
    new URLSearchParams({ firmware: event.firmware, overlay: event.overlay }),
  );
});
document.querySelector("#router")?.append(router);

await offerChoice();

/**
 * Where the router's own pages are shown: as index.html says, or on names that lead to this computer, as `npm start`
 * serves them.
 */
function guestOrigin(): string {
  const given = document.querySelector<HTMLMetaElement>('meta[name="guest-origin"]')?.content;
  if (given) return given;
  const { hostname, port } = location;
  if (hostname !== "localhost" && hostname !== "127.0.0.1") return "";
  return `http://*.router.localhost${port ? `:${port}` : ""}`;
}

/** With more than one firmware on this site, lets the person choose; without a catalogue there is no choice. */
async function offerChoice(): Promise<void> {
  const offered = await loadCatalogue(new URL("playground/", location.href)).catch(() => []);
  const form = document.querySelector<HTMLFormElement>("#choice");
  const select = form?.querySelector("select");
  if (!form || !select || offered.length < 2) return;
  for (const { name, title } of offered)
    select.add(new Option(title, name, false, name === firmware));
  if (overlay !== "default") {
    const kept = Object.assign(document.createElement("input"), {
      type: "hidden",
      name: "overlay",
    });
    kept.value = overlay;
    form.append(kept);
  }
  form.hidden = false;
}
