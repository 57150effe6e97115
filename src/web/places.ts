/** Where the fan who is signed in stands in line, whatever device that was taken on. */
import { signal } from '@preact/signals';
import type { Ticket } from '../client/index.ts';
import { asUser } from './api.ts';
import { session } from './session.ts';

export const places = signal<readonly Ticket[]>([]);

/** Called first: what is urgent is shown where there is room for one. */
export async function findPlaces(): Promise<void> {
  const asked = session.value;
  const answer = asked && (await asUser().places({ userId: asked.userId }));
  if (session.value !== asked) return;
  const found = answer?.ok ? answer.body.places : [];
  const live = found.filter(({ status }) => status === 'ACTIVE' || status === 'WAITING');
  places.value = live.toSorted((a, b) => a.status.localeCompare(b.status));
}

export function placeIn(concertId: string): Ticket | undefined {
  return places.value.find((place) => place.concertId === concertId);
}
