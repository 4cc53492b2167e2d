// What is wrong with a text that is being edited: what the server found, and what can be mended at once. Pure.
import type { Finding } from "../projects/projects";
import { parsed } from "./text";

export interface Fix {
  title: string;
  /** The text as it would be: made when somebody wants it, as there may be many. */
  text: () => string;
}

export type Mend = (it: Finding) => Fix | undefined;

/** The text with what a finding proposes, where it proposes one word for another. */
export function fixOf(text: string, { fix, line, column }: Finding): Fix | undefined {
  const wanted = /^did you mean "?([\w.$-][\w.${}:-]*?)"?\?/.exec(fix ?? "")?.[1];
  if (!wanted || line < 1 || column < 1) return undefined;
  const lines = text.split("\n");
  const at = lines[line - 1];
  const word = at === undefined ? undefined : /^["']?([\w.$-]+)/.exec(at.slice(column - 1));
  if (at === undefined || !word?.[1] || word[1] === wanted) return undefined;
  const start = column - 1 + word[0].length - word[1].length;
  lines[line - 1] = at.slice(0, start) + wanted + at.slice(start + word[1].length);
  return { title: `Write ${wanted}`, text: () => lines.join("\n") };
}

/** What is wrong before the server is asked: the text is no YAML. */
export function ownFinding(text: string, file: string): Finding[] {
  const { problem } = parsed(text);
  if (!problem) return [];
  const { line, column, message } = problem;
  return [
    {
      severity: "error",
      code: "YAML",
      file,
      line,
      column,
      cause: message,
      fix: "mend it as code; forms and the canvas show it again then",
    },
  ];
}
