/** Buttons in ink and paper: colour is kept for severity and health. Values are in styles/tokens.css. */
import { ActionIcon, Button, createTheme, type VariantColorsResolver } from "@mantine/core";

const variants: VariantColorsResolver = ({ variant }) => {
  if (variant === "filled") {
    return {
      background: "var(--ink)",
      hover: "var(--ink-hover)",
      color: "var(--paper)",
      border: "1px solid transparent",
    };
  }
  const border = variant === "default" ? "1px solid var(--line-strong)" : "1px solid transparent";
  return { background: "transparent", hover: "var(--hover)", color: "var(--text)", border };
};

export const theme = createTheme({
  variantColorResolver: variants,
  respectReducedMotion: true,
  defaultRadius: "sm",
  components: {
    // Without a variant named, Mantine leaves hover to its own blue.
    Button: Button.extend({ defaultProps: { variant: "filled" } }),
    ActionIcon: ActionIcon.extend({ defaultProps: { variant: "subtle" } }),
  },
});
