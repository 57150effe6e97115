/** A message of each kind, as the AsyncAPI document shows them; src/acceptance/examples.test.ts says and hears them. */
import { ERRORS } from '../errors.ts';
import { ACTIVE_TICKET, RESERVATION_HELD, ROOM } from '../http/examples.ts';
import type { CLIENT_MESSAGES, SERVER_MESSAGES } from './frames.ts';

const { title, status, detail } = ERRORS.SCHEDULE_NOT_FOUND;
const watched = { concertId: 'winter-night', scheduleId: 'winter-d1' };

export const MESSAGE_EXAMPLES: Readonly<
  Record<keyof typeof CLIENT_MESSAGES | keyof typeof SERVER_MESSAGES, { type: string; [member: string]: unknown }>
> = {
  auth: { type: 'auth', token: ACTIVE_TICKET.token },
  watch: { type: 'watch', scheduleId: 'winter-d1' },
  unwatch: { type: 'unwatch', scheduleId: 'winter-d1' },
  leave: { type: 'leave', queueId: ACTIVE_TICKET.queueId },
  ticket: { type: 'ticket', ticket: ACTIVE_TICKET },
  room: { type: 'room', room: { ...ROOM, state: 'OPEN' } },
  seats: { type: 'seats', ...watched, version: 32, changes: [['A-1-1', 'HELD']] },
  reservation: { type: 'reservation', reservation: RESERVATION_HELD },
  error: {
    type: 'error',
    problem: { type: '/docs#SCHEDULE_NOT_FOUND', title, status, detail, code: 'SCHEDULE_NOT_FOUND' },
  },
};
