/**
 * The end of a turn of the event loop, which is one round through all that has arrived. What is gathered until then is
 * done in this order, whoever asks first:
 *
 *   ask     questions of the turn are put together into calls of Redis
 *   send    what was given to a connection of Redis leaves, those calls too: Redis works while we go on
 *   answer  clients are answered
 *
 * In immediates of their own, calls that were put together left a turn later: two turns for a join of a stranger.
 */
const STAGES = ['ask', 'send', 'answer'] as const;
type Stage = (typeof STAGES)[number];
type Work = () => void;

const due: Record<Stage, Work[]> = { ask: [], send: [], answer: [] };
let isEnding = false;

/** Within the end of a turn: still in this one where its stage is yet to come, else in the next. */
export function atEndOfTurn(stage: Stage, work: Work): void {
  due[stage].push(work);
  if (isEnding) return;
  isEnding = true;
  setImmediate(end);
}

function end(): void {
  for (const stage of STAGES) {
    const works = due[stage];
    due[stage] = [];
    for (const work of works) run(work);
  }
  isEnding = STAGES.some((stage) => due[stage].length > 0);
  if (isEnding) setImmediate(end);
}

/** What throws is as fatal as anywhere else, after the others were done. */
function run(work: Work): void {
  try {
    work();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
