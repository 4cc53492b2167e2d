// To search in the text of an asset, and to go to a line of it: what an editor is given once it stands.
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { keymap } from "@codemirror/view";

export const SEARCH = [highlightSelectionMatches(), keymap.of(searchKeymap)];
