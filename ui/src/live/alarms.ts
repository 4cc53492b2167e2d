// Keeps what was wrong while the page was open, whatever view is shown.
import { type Alarm, noted } from "../logic/alarms";
import { type Known, troubles } from "../logic/health";

let alarms: readonly Alarm[] = [];
const listeners = new Set<() => void>();

export const alarmBook = {
  all: () => alarms,
  listen: (tell: () => void): (() => void) => {
    listeners.add(tell);
    return () => listeners.delete(tell);
  },
  note: (known: Known, at: number): void => {
    alarms = noted(alarms, known, troubles(known), at);
    for (const tell of listeners) tell();
  },
  /** Somebody else looks now. */
  forget: (): void => {
    alarms = [];
    for (const tell of listeners) tell();
  },
};
