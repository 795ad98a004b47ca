// Whose turn a case is and until when, as docs/method/cases.md says it. Pure: the clock is an argument.
import { moment } from "../format/time";
import type { CaseJson } from "../messages/gpux/oracle/v1/arbitration_pb";

export type Act = "answer" | "rule" | "appeal" | "escalate" | "finalise";

export interface Turn {
  /** In a sentence. */
  words: string;
  /** When it passes on by itself. */
  until: Date | undefined;
  /** What can be done now, the most wanted first. */
  acts: Act[];
}

const did = (of: CaseJson, action: string): boolean => (of.steps ?? []).some((step) => step.action === action);

/** Whether the newest ruling is by the last instance: after an appeal, or after the arbiter's silence. */
export function isLast(of: CaseJson): boolean {
  return did(of, "CASE_ACTION_APPEALED") || did(of, "CASE_ACTION_ESCALATED");
}

export function turn(of: CaseJson, now: Date): Turn {
  const deadline = moment(of.deadline);
  const answerUntil = moment(of.answerUntil);
  const isOver = deadline !== undefined && now > deadline;
  switch (of.state) {
    case "CASE_STATE_OPEN": {
      const answered = did(of, "CASE_ACTION_ANSWERED");
      if (!answered && answerUntil && now < answerUntil)
        return { words: "The provider may answer; nobody rules before.", until: answerUntil, acts: ["answer"] };
      if (isOver)
        return {
          words:
            "The arbiter was silent: anybody brings it before the appeal court. Once that court's time has passed as well, anybody finalises, and it expires.",
          until: undefined,
          acts: ["escalate", "finalise"],
        };
      return {
        words: `The arbiter rules${answered ? "" : ": the provider did not answer in time"}.`,
        until: deadline,
        acts: ["rule"],
      };
    }
    case "CASE_STATE_RULED":
      if (isLast(of) || isOver)
        return {
          words: "The ruling is final: anybody finalises, and the money moves.",
          until: undefined,
          acts: ["finalise"],
        };
      return { words: "Filer or provider may appeal; then the appeal court rules.", until: deadline, acts: ["appeal"] };
    case "CASE_STATE_APPEALED":
      if (isOver)
        return {
          words: "The appeal court was silent: anybody finalises, and it expires.",
          until: undefined,
          acts: ["finalise"],
        };
      return { words: "The appeal court rules; its ruling is the last.", until: deadline, acts: ["rule"] };
    case "CASE_STATE_FINAL":
      return { words: "It has ended.", until: undefined, acts: [] };
    default:
      return { words: "Where it stands is unknown.", until: undefined, acts: [] };
  }
}
