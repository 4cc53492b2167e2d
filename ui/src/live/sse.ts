// Server-sent events out of a body that is read piece by piece. `EventSource` can't show a session.

export interface SentEvent {
  id: string;
  data: string;
}

export interface Parser {
  /** Takes the next piece of text; returns the events that it ends. */
  push(piece: string): SentEvent[];
}

export function parser(): Parser {
  let pending = "";
  let data: string[] = [];
  let id = "";
  const line = (text: string): SentEvent | undefined => {
    if (text === "") {
      const event = data.length > 0 ? { id, data: data.join("\n") } : undefined;
      data = [];
      return event;
    }
    const colon = text.indexOf(":");
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    if (field === "id") id = value;
    return undefined;
  };
  return {
    push(piece) {
      pending += piece;
      const lines = pending.split(/\r?\n/);
      pending = lines.pop() ?? "";
      return lines.map(line).filter((it) => it !== undefined);
    },
  };
}
