/** Before anything changes: what will happen, in a sentence, and a way out. */
import { useEffect, useRef } from 'preact/hooks';

export interface Question {
  title: string;
  effect: string;
  /** what the button says */
  act: string;
  run: () => Promise<void>;
}

export function Confirm({ question, close }: { question: Question; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="question">
      <div class="stack">
        <h2 id="question">{question.title}</h2>
        <p>{question.effect}</p>
        <div class="row">
          <button
            type="button"
            class="main"
            onClick={() => {
              void question.run();
              close();
            }}
          >
            {question.act}
          </button>
          <button type="button" onClick={close}>
            Cancel
          </button>
        </div>
      </div>
    </dialog>
  );
}
