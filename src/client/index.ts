/** `onsale/client`: the calls of onsale, and a place in a waiting room, for Node and the browser. */
export * from './api.ts';
export {
  type Answer,
  type CallName,
  type CallOptions,
  type Client,
  type ClientSettings,
  createClient,
  type Credentials,
  type Done,
  type NoAnswer,
  type Refused,
} from './client.ts';
export { must, NotDone } from './must.ts';
export { mayRepeat, repeat, type RepeatOptions } from './repeat.ts';
export type { SeatOnMap, Seats } from './seat-watch.ts';
export { WaitingRoom, type WaitingRoomSettings, type WaitingRoomState } from './waiting-room.ts';
