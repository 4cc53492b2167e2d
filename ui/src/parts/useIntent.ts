import { useState } from "react";
import { intents } from "../api/client";

/** Keys for what is sent from a component, for as long as it is there. */
export function useIntent() {
  const [intent] = useState(intents);
  return intent;
}
