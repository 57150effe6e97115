/** Short forms of the cases about Redis and what is kept there; in a file of their own, to run beside the others. `npm run chaos` runs the long forms. */
import { cluster } from './cluster.ts';
import { history } from './history.ts';
import { rebuild } from './rebuild.ts';
import { redisFull } from './redis-full.ts';
import { shortForm } from './short-form.ts';
import { tornLog } from './torn-log.ts';

for (const each of [redisFull, tornLog, history, cluster, rebuild]) shortForm(each);
