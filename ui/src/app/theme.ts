// How components look where the tokens don't say it. No component may make a style tag: the page's policy
// allows none, so there are no responsive style props here, and no generated classes.
import {
  Button,
  createTheme,
  Modal,
  PasswordInput,
  Select,
  TextInput,
  Tooltip,
} from "@mantine/core";

export const theme = createTheme({
  primaryColor: "teal",
  defaultRadius: "sm",
  fontFamily: "var(--font)",
  components: {
    Button: Button.extend({
      defaultProps: { size: "xs", color: "var(--accent)", variant: "default" },
    }),
    // Locking the scroll would write a style tag.
    Modal: Modal.extend({
      defaultProps: {
        lockScroll: false,
        centered: true,
        transitionProps: { duration: 0 },
        closeButtonProps: { "aria-label": "Close" },
      },
    }),
    TextInput: TextInput.extend({ defaultProps: { size: "xs" } }),
    PasswordInput: PasswordInput.extend({ defaultProps: { size: "xs" } }),
    Select: Select.extend({ defaultProps: { size: "xs" } }),
    Tooltip: Tooltip.extend({
      defaultProps: {
        openDelay: 200,
        transitionProps: { duration: 0 },
        events: { hover: true, focus: true, touch: true },
      },
    }),
  },
});
