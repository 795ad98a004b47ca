// The API's names in words, one sentence for each, as docs/glossary.md uses them.

import type { OutcomeJson, StepJson } from "../messages/gpux/evidence/v1/report_pb";
import type {
  CaseActionJson,
  CaseKindJson,
  CaseOutcomeJson,
  CaseStateJson,
} from "../messages/gpux/oracle/v1/arbitration_pb";
import type { StandingJson, VerdictJson } from "../messages/gpux/oracle/v1/reputation_pb";

export const VERDICTS: Record<VerdictJson, { word: string; meaning: string; tone: Tone }> = {
  VERDICT_UNSPECIFIED: { word: "unknown", meaning: "Nothing is known yet.", tone: "plain" },
  VERDICT_UNKNOWN: {
    word: "unknown",
    meaning: "Not enough evidence either way; every new node begins here.",
    tone: "plain",
  },
  VERDICT_HONEST: { word: "honest", meaning: "Delivers what it advertises.", tone: "good" },
  VERDICT_UNDER_DELIVERING: {
    word: "under-delivering",
    meaning: "Audits convicted it of delivering less than it advertises.",
    tone: "bad",
  },
};

export type Tone = "good" | "bad" | "warn" | "plain";

export const STANDINGS: Record<StandingJson, string> = {
  STANDING_UNSPECIFIED: "no standing is given",
  STANDING_WATCHED: "nothing is held against it",
  STANDING_SUSPECT: "suspect: it is probed and audited more often, which is no judgement",
  STANDING_CONVICTED: "convicted by audits",
};

export const RESOURCES: Record<string, string> = {
  imma: "int8 tensor rate",
  hmma: "fp16 tensor rate",
  fma64: "fp64 rate",
  fma32: "fp32 rate",
  vram: "GPU memory",
  stream: "memory bandwidth",
  cpu: "CPU",
  ram: "main memory",
  disk: "disk",
  net: "network",
  link: "link to the host",
};

export function resource(name: string | undefined): string {
  return RESOURCES[name ?? ""] ?? name ?? "unknown resource";
}

export const OUTCOMES: Record<OutcomeJson, { word: string; tone: Tone }> = {
  OUTCOME_UNSPECIFIED: { word: "unknown", tone: "plain" },
  OUTCOME_PASS: { word: "pass", tone: "good" },
  OUTCOME_FAIL: { word: "fail", tone: "bad" },
  OUTCOME_INCONCLUSIVE: { word: "inconclusive", tone: "plain" },
};

/** Where a session ended, and what a provider does about it. */
export const STEPS: Record<StepJson, { word: string; remedy: string }> = {
  STEP_UNSPECIFIED: { word: "", remedy: "" },
  STEP_DESCRIBE: {
    word: "describe",
    remedy:
      "The node did not say what it is. Check that its end point is reachable from outside and its clock is right.",
  },
  STEP_RENT: {
    word: "rent",
    remedy: "The rental could not be opened. Check the offer's end and the capacity that is left.",
  },
  STEP_HELLO: {
    word: "hello",
    remedy: "The job could not be uploaded. Check the upstream bandwidth and the limits of the sandbox.",
  },
  STEP_OPEN: {
    word: "open",
    remedy: "The node did not answer the session's opening. Check that it sees the rental on chain (its RPC).",
  },
  STEP_PREPARE: {
    word: "prepare",
    remedy:
      "The job could not set up its work. Run gpux-prober check on the machine: driver, free memory, other tenants.",
  },
  STEP_WINDOW: {
    word: "window",
    remedy:
      "A timed window was not answered in time. Look for other load on the card, thermal throttling and power limits.",
  },
  STEP_ROOT: {
    word: "root",
    remedy: "The node did not commit to its results. Look for a job that is killed: memory limits, a restart.",
  },
  STEP_OPENING: {
    word: "opening",
    remedy: "Drawn units were not shown. Results must stay in memory until the session's end.",
  },
  STEP_VERIFY: {
    word: "verify",
    remedy:
      "Drawn units were wrong. Run gpux-prober check: unstable overclocks and faulty memory give wrong bits, and so does skipped work.",
  },
};

export const KINDS: Record<CaseKindJson, string> = {
  CASE_KIND_UNSPECIFIED: "unknown",
  CASE_KIND_PROOF: "proof",
  CASE_KIND_STATISTICAL: "statistical",
  CASE_KIND_BARE: "bare",
};

export const STATES: Record<CaseStateJson, string> = {
  CASE_STATE_UNSPECIFIED: "unknown",
  CASE_STATE_OPEN: "open",
  CASE_STATE_RULED: "ruled",
  CASE_STATE_APPEALED: "appealed",
  CASE_STATE_FINAL: "final",
};

export const CASE_OUTCOMES: Record<CaseOutcomeJson, { word: string; tone: Tone }> = {
  CASE_OUTCOME_UNSPECIFIED: { word: "not ruled", tone: "plain" },
  CASE_OUTCOME_UPHELD: { word: "upheld", tone: "bad" },
  CASE_OUTCOME_REJECTED: { word: "rejected", tone: "good" },
  CASE_OUTCOME_DRAWN: { word: "drawn", tone: "plain" },
  CASE_OUTCOME_EXPIRED: { word: "expired", tone: "plain" },
  CASE_OUTCOME_WITHDRAWN: { word: "withdrawn", tone: "plain" },
};

export const ACTIONS: Record<CaseActionJson, string> = {
  CASE_ACTION_UNSPECIFIED: "an unknown step",
  CASE_ACTION_FILED: "filed",
  CASE_ACTION_EXTENDED: "extended: more of what the node held was shown",
  CASE_ACTION_ANSWERED: "answered by the provider",
  CASE_ACTION_RULED: "ruled",
  CASE_ACTION_ESCALATED: "escalated: the arbiter was silent",
  CASE_ACTION_APPEALED: "appealed",
  CASE_ACTION_WITHDRAWN: "taken back by the filer",
  CASE_ACTION_FINALISED: "finalised: the money has moved",
};
