// What words of scripts and expressions are, to colour them: told word by word, without a grammar. What is wrong is for
// the server to say, which knows what engines take.
import { StreamLanguage, type StringStream } from "@codemirror/language";

export type Language = "javascript" | "sql";

const set = (words: string) => new Set(words.split(" "));
const JS = set(
  "async await break case catch class const continue default delete do else export extends finally for from function if import in instanceof let new of return static super switch this throw try typeof var void while yield",
);
export const SQL = set(
  "AND AS BETWEEN BY CASE CAST DISTINCT DIV ELSE END ESCAPE EXTRACT FROM GROUP HAVING ILIKE IN INTERVAL IS JOIN LEFT LIKE LIMIT NOT ON OR ORDER SELECT THEN UNION WHEN WHERE WITH",
);
const ATOMS = set("true false null undefined NULL TRUE FALSE");

interface State {
  /** What goes on in the next line, until this. */
  until?: "*/" | "`";
}

function upTo(stream: StringStream, state: State, end: string): void {
  while (!stream.eol()) {
    if (stream.match(end)) {
      state.until = undefined;
      return;
    }
    if (end === "`" && stream.peek() === "\\") stream.next();
    stream.next();
  }
}

function token(language: Language, stream: StringStream, state: State): string | null {
  if (state.until) {
    const end = state.until;
    upTo(stream, state, end);
    return end === "`" ? "string" : "comment";
  }
  if (stream.eatSpace()) return null;
  if (stream.match("/*")) {
    state.until = "*/";
    return token(language, stream, state);
  }
  if (stream.match(language === "sql" ? "--" : "//")) {
    stream.skipToEnd();
    return "comment";
  }
  // A variable of the environment stands in expressions, too.
  if (stream.match(/^\$\{[^}]*\}/)) return "meta";
  if (language === "javascript" && stream.match("`")) {
    state.until = "`";
    return token(language, stream, state);
  }
  if (stream.match(/^'(?:[^'\\]|\\.|'')*'?/)) return "string";
  // In SQL double quotes are names.
  if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return language === "sql" ? "propertyName" : "string";
  if (stream.match(/^\d[\d_]*(\.\d+)?(e[+-]?\d+)?/i)) return "number";
  const word = stream.match(/^[A-Za-z_$][\w$]*/) as RegExpMatchArray | null;
  if (word) {
    if (ATOMS.has(word[0])) return "atom";
    const isWord = language === "sql" ? SQL.has(word[0].toUpperCase()) : JS.has(word[0]);
    return isWord ? "keyword" : stream.peek() === "(" ? "propertyName" : null;
  }
  stream.next();
  return null;
}

const made = (language: Language) =>
  StreamLanguage.define<State>({
    name: language,
    startState: () => ({}),
    token: (stream, state) => token(language, stream, state),
    languageData: {
      closeBrackets: { brackets: ["(", "[", "{", "'", '"'] },
      indentOnInput: /^\s*[}\])]$/,
    },
  });

export const LANGUAGES = { javascript: made("javascript"), sql: made("sql") };
