/** Whose address a call is counted under. */
import { BlockList, isIP } from 'node:net';

/**
 * Makes the function that tells the caller's address from the peer's and `X-Forwarded-For`: the first one that is no
 * trusted proxy, from the right. What stands left of it anybody could have written. Throws for a range that is none.
 */
export function createAddresses(
  trusted: readonly string[],
): (peer: string, forwardedFor: string | undefined) => string {
  const proxies = new BlockList();
  for (const range of trusted) addRange(proxies, range);
  const isTrusted = (address: string) => proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

  return (peer, forwardedFor) => {
    let address = plain(peer) ?? peer;
    if (trusted.length === 0 || forwardedFor === undefined) return address;
    const hops = forwardedFor.split(',');
    while (isIP(address) && isTrusted(address)) {
      const before = plain(hops.pop()?.trim() ?? '');
      if (before === null) break;
      address = before;
    }
    return address;
  };
}

function addRange(proxies: BlockList, range: string): void {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(range) ?? [];
  const family = isIP(address);
  const width = family === 6 ? 128 : 32;
  const type = family === 6 ? 'ipv6' : 'ipv4';
  if (family === 0 || Number(bits ?? 0) > width) {
    throw new Error(`TRUSTED_PROXIES: ${range} is no address or CIDR range`);
  }
  proxies.addSubnet(address, Number(bits ?? width), type);
}

const MAPPED = /^(?:0{0,4}:){1,5}:?ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i;

/** An address without port and brackets; an IPv4 one that came through an IPv6 socket as IPv4. Null where it is none. */
function plain(text: string): string | null {
  const [, bracketed, dotted] = /^\[([^\]]+)\](?::\d+)?$|^([\d.]+):\d+$/.exec(text) ?? [];
  const address = bracketed ?? dotted ?? text;
  const mapped = MAPPED.exec(address);
  if (mapped) return [mapped[1], mapped[2]].flatMap((group = '0') => bytesOf(Number.parseInt(group, 16))).join('.');
  const [, quad] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  const found = quad ?? address;
  return isIP(found) ? found : null;
}

function bytesOf(group: number): [number, number] {
  return [group >> 8, group & 255];
}
