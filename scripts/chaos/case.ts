/** What a case of the chaos kit is asked, and what it answers. */

export interface CaseOptions {
  /** how often the fault happens, or how large the run is (1 = the long form's full size) */
  size: number;
  /** end by then at the latest */
  deadlineMs: number;
  seed: number;
  tell(line: string): void;
}

export interface Check {
  what: string;
  /** how many things were looked at */
  looked: number;
  violations: string[];
}

export interface Verdict {
  /** what was done, one line */
  done: string;
  runs: number;
  operations: number;
  answered: number;
  /** no answer: unknown, then repeated with its key */
  unknown: number;
  refused: Record<string, number>;
  checks: Check[];
}

export interface Case {
  name: string;
  about: string;
  /** size of the short form that the tests run, in relation to the long one */
  short: number;
  run(options: CaseOptions): Promise<Verdict>;
}
