import type { SeatChange, SeatMapState } from '../concerts/seat-maps.ts';
import { seatsFrame, snapshotFrame } from './frames.ts';
import type { Watch } from './seat-watches.ts';

interface Numbered {
  version: number;
  changes: readonly SeatChange[];
}
/** The map that changes with each tick. */
export type LiveMap = SeatMapState & { changesSince(version: number): Numbered[] | null };

/** One watched schedule: what was published last, and frames that are rendered once for all who need them. */
export class SeatFeed {
  readonly concertId: string;
  readonly scheduleId: string;
  readonly topic: string;
  readonly watches = new Set<Watch>();
  unsubscribe: () => void = () => {};
  /** null while it is read anew */
  map: LiveMap | null;
  /** of the last change that was published; the map may be some changes ahead while they are being told */
  version: number;
  #snapshot: { version: number; text: string } | null = null;

  constructor({ concertId, scheduleId, map }: { concertId: string; scheduleId: string; map: LiveMap }) {
    this.concertId = concertId;
    this.scheduleId = scheduleId;
    this.topic = `seats ${concertId} ${scheduleId}`;
    this.map = map;
    this.version = map.version;
  }

  /** Goes on with another map. */
  restart(map: LiveMap): void {
    this.map = map;
    this.version = map.version;
    this.#snapshot = null;
  }

  /** null where a snapshot is needed */
  changesSince(version: number): Numbered[] | null {
    return this.map?.changesSince(version) ?? null;
  }

  frame({ version, changes }: Numbered): string {
    const { concertId, scheduleId } = this;
    return seatsFrame({ concertId, scheduleId, version, changes });
  }

  snapshot(): string {
    const { concertId, scheduleId, version, map } = this;
    if (this.#snapshot?.version !== version) {
      const text = snapshotFrame({ concertId, scheduleId, version, changes: map?.taken() ?? [] });
      this.#snapshot = { version, text };
    }
    return this.#snapshot.text;
  }
}
