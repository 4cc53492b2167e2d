import { Modal, type ModalProps } from "@mantine/core";
import { useLayoutEffect, useRef } from "react";
import { OwnAddress } from "./addressed";

/**
 * A dialog that is open as long as it is rendered. The keyboard is in it from the moment it is seen, at what has
 * `data-autofocus`: who types at once loses no letter. When it goes, the keyboard is where it was before. How something
 * is shown in it is its own, and no part of the address.
 */
export function Dialog({ children, ...props }: Omit<ModalProps, "opened">) {
  return (
    <Modal opened {...props}>
      <Keyboard />
      <OwnAddress>{children}</OwnAddress>
    </Modal>
  );
}

/** Takes the keyboard with what is drawn; a trap by itself takes it in a timer, which may come after the first key. */
function Keyboard() {
  const here = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    const dialog = here.current?.closest("[role=dialog]");
    const first = dialog?.querySelector("[data-autofocus]") ?? dialog;
    if (first instanceof HTMLElement) first.focus({ preventScroll: true });
    return () => {
      // The dialog's own elements are still there: what it leaves behind is known when they are gone.
      queueMicrotask(() => {
        const isLost = !document.activeElement || document.activeElement === document.body;
        if (isLost && before instanceof HTMLElement && before.isConnected)
          before.focus({ preventScroll: true });
      });
    };
  }, []);
  return <span ref={here} hidden />;
}
