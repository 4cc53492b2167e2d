import { isDrawn } from "../editor/schema";

/** Whether a text means to be something that has stages, also where it can't be read. */
export const meansDrawn = (text: string | undefined) =>
  text !== undefined && isDrawn(/^kind:[ \t]*["']?(\w+)/m.exec(text)?.[1]);
