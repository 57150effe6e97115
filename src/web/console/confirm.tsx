/** Before anything changes: what will happen, in a sentence, and a way out. */
import { useEffect, useRef } from 'preact/hooks';

export interface Question {
  title: string;
  /** each line of it stands on its own */
  effect: string;
  /** what the button says */
  act: string;
  /** it takes something from somebody */
  danger?: boolean;
  run: () => Promise<void>;
}

export function Confirm({ question, close }: { question: Question; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="question">
      <div class="stack">
        <h2 id="question">{question.title}</h2>
        <p class="lines-kept">{question.effect}</p>
        <div class="row">
          <button
            type="button"
            class={question.danger ? 'danger' : 'main'}
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
