// Loaded into onsale before it starts: each join is a script call of its own, to be compared with.
import { LIMITS } from '../../src/limits.ts';

Object.assign(LIMITS, { JOINS_A_CALL: 1 });
