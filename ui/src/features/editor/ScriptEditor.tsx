// A script or an expression in a field of a form. It grows with what is in it. Tab goes on to the next field, as in
// every other one: who wants to indent presses Ctrl ].
import {
  autocompletion,
  type CompletionContext,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  completionStatus,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import {
  bracketMatching,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import { lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState, Transaction } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { useEffect, useRef } from "react";
import type { Spot } from "./at";
import css from "./editor.module.css";
import { LANGUAGES, type Language, SQL } from "./languages";
import { COLOURS, difference, LOOK } from "./look";

export interface ScriptEditorProps {
  language: Language;
  label: string;
  text: string;
  spots: readonly Spot[];
  /** Of a record that comes in. */
  fields: readonly string[];
  isReadOnly: boolean;
  /** All of a page's height, with numbers of lines. */
  isLarge?: boolean;
  isFocused?: boolean;
  onChange: (text: string) => void;
  onLeave: () => void;
}

const LOOKS = EditorView.theme({
  "&": { height: "auto", backgroundColor: "transparent" },
  ".cm-scroller": { maxHeight: "inherit" },
  ".cm-content": { padding: "5px 0" },
  ".cm-line": { padding: "0 8px" },
});
const HOOKS = ["onInit", "onStreamStart", "onMessage", "onStreamEnd", "emit"];

function options(language: Language, fields: readonly string[], context: CompletionContext) {
  const dot = context.matchBefore(/\w+\.\w*/);
  const word = context.matchBefore(/\w+/);
  const own = fields.map((label) => ({ label, type: "property", detail: "field", boost: 2 }));
  const isRow = language === "javascript";
  if (isRow && dot)
    return { from: dot.from + dot.text.indexOf(".") + 1, options: own, validFor: /^\w*$/ };
  if (!word && !context.explicit) return null;
  const words = isRow ? HOOKS : [...SQL];
  const all = [...(isRow ? [] : own), ...words.map((label) => ({ label, type: "keyword" }))];
  return { from: word?.from ?? context.pos, options: all, validFor: /^\w*$/ };
}

/** What is wrong stands outside of the tree that the editor is in, where no id leads to. */
function saidOf(label: string, spots: readonly Spot[]): Record<string, string> {
  if (spots.length === 0) return { "aria-label": label };
  const isBad = spots.some((it) => it.severity === "error");
  return {
    "aria-label": label,
    "aria-description": spots.map((it) => it.message).join("; "),
    ...(isBad && { "aria-invalid": "true" }),
  };
}

export function ScriptEditor(props: ScriptEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const told = useRef(props);
  told.current = props;
  useEffect(() => {
    const at = host.current;
    if (!at) return;
    const root = at.shadowRoot ?? at.attachShadow({ mode: "open" });
    const { language, text, isReadOnly, label, isLarge, isFocused } = told.current;
    const editor = new EditorView({
      parent: root,
      root,
      state: EditorState.create({
        doc: text,
        extensions: [
          isLarge || language === "javascript" ? lineNumbers() : [],
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({
            override: [(it) => options(language, told.current.fields, it)],
            icons: false,
          }),
          syntaxHighlighting(COLOURS),
          LANGUAGES[language],
          indentUnit.of("  "),
          LOOKS,
          LOOK,
          EditorView.lineWrapping,
          EditorState.readOnly.of(isReadOnly),
          EditorState.tabSize.of(2),
          EditorView.contentAttributes.of(() => saidOf(label, told.current.spots)),
          keymap.of([
            ...closeBracketsKeymap,
            ...completionKeymap,
            ...historyKeymap,
            ...lintKeymap,
            ...defaultKeymap,
          ]),
          EditorView.updateListener.of((update) => {
            // While there are proposals, Escape is for them and not for the dialog around.
            const isOpen = completionStatus(update.state) !== null;
            at.toggleAttribute("data-proposes", isOpen);
            if (isOpen) at.setAttribute("data-mantine-stop-propagation", "true");
            else at.removeAttribute("data-mantine-stop-propagation");
            const isOwn = update.transactions.every(
              (it) => it.annotation(Transaction.userEvent) !== "outside",
            );
            if (update.docChanged && isOwn) told.current.onChange(update.state.doc.toString());
          }),
          // Who saves while the keyboard stays here tells it so by this event alone.
          EditorView.domEventHandlers({ focusout: () => told.current.onLeave() }),
        ],
      }),
    });
    view.current = editor;
    if (isFocused) editor.focus();
    return () => editor.destroy();
  }, []);
  useEffect(() => {
    const editor = view.current;
    const now = editor?.state.doc.toString();
    if (!editor || now === undefined || now === props.text) return;
    const annotations = [Transaction.userEvent.of("outside"), Transaction.addToHistory.of(false)];
    editor.dispatch({ changes: difference(now, props.text), annotations });
  }, [props.text]);
  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const { doc } = editor.state;
    const marks = props.spots.map(({ line, column, message, severity }) => {
      const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
      const from = Math.min(at.from + Math.max(column - 1, 0), at.to);
      const word = /^\w+/.exec(doc.sliceString(from, at.to))?.[0].length ?? 1;
      return { from, to: Math.min(from + word, at.to), severity, message };
    });
    editor.dispatch(setDiagnostics(editor.state, marks));
  }, [props.spots]);
  const isBad = props.spots.some((it) => it.severity === "error");
  return (
    <div
      ref={host}
      className={css.script}
      data-large={props.isLarge || undefined}
      data-bad={isBad || undefined}
      data-code="field"
    />
  );
}
