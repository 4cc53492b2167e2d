// The text of an asset in an editor. It stands in a shadow tree: the page's policy allows no style tags, and there
// the editor's own styles are sheets.
import {
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  indentOnInput,
  syntaxHighlighting,
} from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState, StateEffect, StateField, Transaction } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { useEffect, useRef } from "react";
import { completions } from "./complete";
import css from "./editor.module.css";
import { COLOURS, difference, LOOK } from "./look";
import type { Schema } from "./schema";

export interface Mark {
  line: number;
  column: number;
  severity: "error" | "warning";
  message: string;
  fix?: { title: string; apply: () => void };
}

interface CodeProps {
  text: string;
  label: string;
  marks: readonly Mark[];
  schema?: Schema;
  isReadOnly?: boolean;
  /** Where to go: a line from 1. */
  line?: number;
  /** Where in it, from 1. */
  column?: number;
  /** What another view has chosen of it, by offsets: marked, and brought into view. */
  chosen?: { from: number; to: number };
  /** The cursor was moved by whoever is here. */
  onCursor?: (offset: number) => void;
  /** Whoever typed here goes on elsewhere. */
  onLeave?: () => void;
  onChange: (text: string) => void;
  onUndo: () => void;
  onRedo: () => void;
  onSave: () => void;
}

/** Marks a change that came from outside: it isn't told as one. */
const OUTSIDE = Transaction.userEvent.of("outside");

const CHOSEN_LINE = Decoration.line({ class: "cm-chosen" });
/** What is left of the lines above what was chosen. */
const ABOVE = 60;
const choose = StateEffect.define<{ from: number; to: number } | undefined>();

/** The lines that another view has chosen. */
const CHOSEN = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (before, { state, effects, changes }) => {
    const set = effects.find((it) => it.is(choose));
    if (!set) return before.map(changes);
    const { value } = set as StateEffect<{ from: number; to: number } | undefined>;
    if (!value) return Decoration.none;
    const lines = [];
    const last = state.doc.lineAt(Math.max(value.from, value.to - 1)).number;
    for (let it = state.doc.lineAt(value.from).number; it <= last; it++)
      lines.push(CHOSEN_LINE.range(state.doc.line(it).from));
    return Decoration.set(lines);
  },
  provide: (it) => EditorView.decorations.from(it),
});
export function Code(props: CodeProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const told = useRef(props);
  told.current = props;
  useEffect(() => {
    if (!host.current) return;
    // In development React does this twice.
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: "open" });
    const run = (act: (it: CodeProps) => void) => () => {
      act(told.current);
      return true;
    };
    const source = (context: CompletionContext): CompletionResult | null =>
      told.current.schema
        ? completions(
            told.current.schema,
            context.state.doc.toString(),
            context.pos,
            context.explicit,
          )
        : null;
    const editor = new EditorView({
      parent: root,
      root,
      state: EditorState.create({
        doc: told.current.text,
        extensions: [
          lineNumbers(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          foldGutter(),
          lintGutter(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          autocompletion({ override: [source], icons: false }),
          syntaxHighlighting(COLOURS),
          yaml(),
          LOOK,
          EditorState.readOnly.of(told.current.isReadOnly === true),
          EditorState.tabSize.of(2),
          EditorView.contentAttributes.of({ "aria-label": told.current.label, tabindex: "0" }),
          keymap.of([
            { key: "Mod-z", run: run((it) => it.onUndo()) },
            { key: "Mod-Shift-z", run: run((it) => it.onRedo()) },
            { key: "Mod-y", run: run((it) => it.onRedo()) },
            { key: "Mod-s", run: run((it) => it.onSave()) },
            // Who goes through the page by the keyboard leaves with Escape, Tab.
            { key: "Escape", run: (it) => it.contentDOM.blur() === undefined && false },
            ...completionKeymap,
            ...foldKeymap,
            ...lintKeymap,
            ...defaultKeymap,
            indentWithTab,
          ]),
          EditorView.updateListener.of((update) => {
            const isOwn = update.transactions.every(
              (it) => it.annotation(Transaction.userEvent) !== "outside",
            );
            if (update.docChanged && isOwn) told.current.onChange(update.state.doc.toString());
            if (isOwn && update.selectionSet && !update.docChanged)
              told.current.onCursor?.(update.state.selection.main.head);
          }),
          EditorView.domEventHandlers({ blur: () => told.current.onLeave?.() }),
          CHOSEN,
        ],
      }),
    });
    view.current = editor;
    // Nobody searches before there is something to read: it is no part of what opens first.
    const withSearch = ({ SEARCH }: typeof import("./search")) => {
      if (view.current === editor)
        editor.dispatch({ effects: StateEffect.appendConfig.of(SEARCH) });
    };
    import("./search").then(withSearch, () => undefined);
    return () => {
      view.current = undefined;
      editor.destroy();
    };
  }, []);
  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const now = editor.state.doc.toString();
    if (now === props.text) return;
    editor.dispatch({ changes: difference(now, props.text), annotations: OUTSIDE });
  }, [props.text]);
  useEffect(() => {
    const editor = view.current;
    if (editor) editor.dispatch(setDiagnostics(editor.state, diagnostics(editor, props.marks)));
  }, [props.marks]);
  const { from, to } = props.chosen ?? {};
  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const { doc, selection } = editor.state;
    const isThere = from !== undefined && to !== undefined && to <= doc.length;
    const effects = choose.of(isThere ? { from, to } : undefined);
    editor.dispatch({ effects, annotations: OUTSIDE });
    if (!isThere) return;
    // Whose cursor is in it sees it already.
    const { head } = selection.main;
    const isInIt = head >= doc.lineAt(from).from && head <= doc.lineAt(to).to;
    if (editor.hasFocus && isInIt) return;
    // The editor alone scrolls: to bring a place into view would move the page, too.
    editor.requestMeasure({
      read: () => editor.lineBlockAt(from).top,
      write: (top) => {
        editor.scrollDOM.scrollTop = Math.max(0, top - ABOVE);
      },
    });
  }, [from, to]);
  useEffect(() => {
    const editor = view.current;
    if (!editor || !props.line || props.line > editor.state.doc.lines) return;
    const line = editor.state.doc.line(props.line);
    const from = Math.min(line.from + Math.max((props.column ?? 1) - 1, 0), line.to);
    editor.dispatch({
      selection: { anchor: from },
      effects: EditorView.scrollIntoView(from, { y: "center" }),
    });
    editor.focus();
  }, [props.line, props.column]);
  return <div ref={host} className={css.code} data-code="" />;
}

function diagnostics(editor: EditorView, marks: readonly Mark[]): Diagnostic[] {
  const { doc } = editor.state;
  return marks.map((it) => {
    const line = doc.line(Math.min(Math.max(it.line, 1), doc.lines));
    const from = Math.min(line.from + Math.max(it.column - 1, 0), line.to);
    const word = /^[\w.${}-]+/.exec(doc.sliceString(from, line.to))?.[0].length ?? 0;
    const { fix } = it;
    return {
      from,
      to: word > 0 ? from + word : line.to,
      severity: it.severity,
      message: it.message,
      actions: fix ? [{ name: fix.title, apply: () => fix.apply() }] : undefined,
    };
  });
}
