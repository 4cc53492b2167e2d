import { ActionIcon, Textarea, Tooltip } from "@mantine/core";
import { useCopy } from "./copy";
import { Dialog } from "./Dialog";
import css from "./parts.module.css";

/** A small button behind a text that is wanted elsewhere: a path, a command. */
export function CopyText({ text, what }: { text: string; what: string }) {
  const { isDone, isRefused, copy, close } = useCopy(text);
  return (
    <>
      <Tooltip label={isDone ? "Copied" : `Copy the ${what}`}>
        <ActionIcon
          variant="transparent"
          size={24}
          onClick={() => void copy()}
          className={css.copy}
          aria-label={`Copy the ${what} ${text}`}
        >
          {isDone ? (
            <span aria-hidden="true">✓</span>
          ) : (
            <svg
              viewBox="0 0 16 16"
              width="13"
              height="13"
              aria-hidden="true"
              className={css.copyGlyph}
            >
              <rect x="5.5" y="5.5" width="8" height="9" rx="1.5" />
              <path d="M3.5 10.5h-1v-8a1 1 0 0 1 1-1h7v1.5" />
            </svg>
          )}
        </ActionIcon>
      </Tooltip>
      {isRefused && <ByHand text={text} onClose={close} />}
    </>
  );
}

/** Where the browser lets no page copy anything. */
export function ByHand({ text, onClose }: { text: string; onClose: () => void }) {
  return (
    <Dialog title="Copy it by hand" size="lg" onClose={onClose}>
      <Textarea
        label="The browser lets this page copy nothing: it is selected here"
        value={text}
        readOnly
        rows={3}
        onFocus={(event) => event.currentTarget.select()}
        data-autofocus
      />
    </Dialog>
  );
}
