// One request, and what a "no" is called: errors are counted by step, status and the problem's code.

import { sleep } from 'k6';
import http from 'k6/http';
import { Counter } from 'k6/metrics';

/** One server, or several, parted by commas. */
const SERVERS = __ENV.ONSALE_URL.split(',');

/** Where a proxy sends it: what is about one performance to the same server, all else to any. */
function server(path) {
  const about = /\/performances\/([0-9a-f-]+)/.exec(path);
  const number = about ? parseInt(about[1].slice(-6), 16) : __VU;
  return SERVERS[number % SERVERS.length];
}

/** As a proxy would say it that the servers trust: each visitor comes from an address of their own. */
const ADDRESS = __ENV.ADDRESSES ? `10.${__VU >> 16}.${(__VU >> 8) & 255}.${__VU & 255}` : null;

/** Whoever gets no answer at all asks once more after so long, as the page does: it is the same command. */
const AGAIN_S = __ENV.ASK_AGAIN ? 0.7 : null;
const again = new Counter('asked_again');

export class Refused extends Error {}

export function ask(method, path, { name, body, admission, cookie, accept } = {}) {
  const headers = { accept: accept || 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (ADDRESS) {
    headers['x-forwarded-for'] = ADDRESS;
    headers['x-forwarded-proto'] = 'http';
  }
  if (admission) headers['onsale-admission'] = admission;
  if (cookie) headers.cookie = cookie;
  const text = body === undefined ? null : JSON.stringify(body);
  const request = () => http.request(method, server(path) + path, text, { headers, tags: { name }, timeout: '60s' });
  const answer = request();
  if (answer.status !== 0 || AGAIN_S === null) return answer;
  console.log(`unanswered\t${name}: ${answer.error}`);
  again.add(1);
  sleep(AGAIN_S);
  return request();
}

export function refusal(step, answer) {
  let code = answer.error_code ? `connection_${answer.error_code}` : '?';
  try {
    code = answer.json('code') || code;
  } catch {
    // Not a problem document.
  }
  return new Refused(`${step}_${answer.status}_${code}`);
}

/** A UUIDv7, as browsers make them for their commands. */
export function uuid() {
  const digits = (count) => {
    let text = '';
    for (let i = 0; i < count; i += 1) text += Math.floor(Math.random() * 16).toString(16);
    return text;
  };
  const now = Date.now().toString(16).padStart(12, '0');
  return `${now.slice(0, 8)}-${now.slice(8)}-7${digits(3)}-8${digits(3)}-${digits(12)}`;
}
