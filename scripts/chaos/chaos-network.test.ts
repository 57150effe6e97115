/** Short forms of the cases of network, clients and clocks; in a file of their own, to run beside the others. `npm run chaos` runs the long forms. */
import { abuse } from './abuse.ts';
import { clock } from './clock.ts';
import { cut } from './cut.ts';
import { shortForm } from './short-form.ts';
import { slowClient } from './slow-client.ts';

for (const each of [cut, slowClient, abuse, clock]) shortForm(each);
