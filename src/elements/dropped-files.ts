/** Files that a person drops onto an element. */
import type { ReactiveController, ReactiveControllerHost } from "lit";

export interface Dropped {
  readonly files: File[];
  /** names of folders, which are not taken */
  readonly folders: string[];
}

/** Takes drags that bring files over its host, as long as they are wanted. */
export class FileDrop implements ReactiveController {
  #over = false;

  /**
   * @param wanted whether files are taken now
   * @param take takes what was dropped
   */
  constructor(
    private readonly host: ReactiveControllerHost & HTMLElement,
    private readonly wanted: () => boolean,
    private readonly take: (dropped: Dropped) => void,
  ) {
    host.addController(this);
    host.addEventListener("dragenter", this.#dragged);
    host.addEventListener("dragover", this.#dragged);
    host.addEventListener("dragleave", this.#gone);
    host.addEventListener("drop", this.#dropped);
  }

  /** Whether files are held over the host that it would take. */
  get over(): boolean {
    return this.#over;
  }

  hostDisconnected(): void {
    this.#set(false);
  }

  readonly #dragged = (event: DragEvent): void => {
    // What kind of files they are the browser tells only when they are dropped.
    if (!event.dataTransfer?.types.includes("Files") || !this.wanted()) return;
    event.preventDefault();
    event.stopPropagation();
    event.dataTransfer.dropEffect = "copy";
    this.#set(true);
  };

  readonly #gone = (event: DragEvent): void => {
    const to = event.relatedTarget;
    if (!(to instanceof Node) || !this.host.contains(to)) this.#set(false);
  };

  readonly #dropped = (event: DragEvent): void => {
    if (!this.#over) return;
    this.#set(false);
    event.preventDefault();
    event.stopPropagation();
    this.take(droppedFiles(event.dataTransfer));
  };

  #set(over: boolean): void {
    if (over === this.#over) return;
    this.#over = over;
    this.host.requestUpdate();
  }
}

/** To be called while the event "drop" is being handled: what it brings is gone after it. */
function droppedFiles(transfer: DataTransfer | null): Dropped {
  const files: File[] = [];
  const folders: string[] = [];
  for (const item of transfer?.items ?? []) {
    if (item.kind !== "file") continue;
    const entry = item.webkitGetAsEntry();
    const file = item.getAsFile();
    if (entry?.isDirectory) folders.push(entry.name);
    else if (file) files.push(file);
  }
  return { files, folders };
}
