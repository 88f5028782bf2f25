// A rush on a waiting room, as an open model: browsers arrive at times that were fixed beforehand,
// however slow the answers are. Each is new here: a connection, a session and a place of its own. It
// opens the page, joins (with the work the room asks for), polls as the page does, comes in when it is
// its turn, and then buys, looks and goes, or shuts the tab.
//
// A few a second come before the rush and a few after it, through the same room: what they and the
// rush itself notice of the shop (holding, paying, the list of seats) is what the room is for. The
// room is asked five times a second who is inside.
//
// `cargo xtask bench room_surge` runs it. By hand, against a server with `--rate 0 --room-joins 0` on
// the data of `onsale demo --quiet`:
//
//   ONSALE_URL=http://127.0.0.1:8080 ONSALE_OPERATOR=…/demo-operator.txt k6 run end2end/load/surge.js
//
// The summary is `NAME<tab>VALUE` a line. Lines on the console that begin with `audit` say who was
// inside from when to when, what the room said of itself, and when the rush began and ended: for an
// auditor, and for who measures beside this.

import { sleep } from 'k6';
import { Counter, Trend } from 'k6/metrics';
import { ask, refusal } from './http.js';
import * as room from './room.js';
import * as shop from './shop.js';

const setting = (name, usual) => Number(__ENV[name] || usual);
const VISITORS = setting('VISITORS', 5_000);
const WITHIN_S = setting('WITHIN_S', 60);
const CAP = setting('CAP', 200);
const POW_BITS = setting('POW_BITS', 8);
/** Before the rush, and from when the last of it should be in: seconds, and arrivals in each. */
const CALM_S = setting('CALM_S', 20);
const CALM_A_SECOND = setting('CALM_A_SECOND', 15);
const DRAIN_S = setting('DRAIN_S', 30);

/** Of a hundred who come in: the first buy, the next hold, think better of it and leave, some only
 * look; the rest shut the tab and say nothing. */
const BUY = 55;
const THINK_BETTER = 85;
const LOOK = 97;
/** How long somebody thinks in the shop, seconds. */
const LEAST_STAY_S = 1;
const STAY_SPREAD_S = 4;
/** A shopper who gives no sign for so long has gone. */
const IDLE_MS = 15_000;

const PHASES = ['before', 'during', 'after'];
const MEASURED = ['seats', 'hold', 'checkout'];
const rushAt = CALM_S + 5;
const afterAt = rushAt + WITHIN_S + DRAIN_S;
const endS = afterAt + CALM_S + 15;

/** In which arrivals come, seconds from the start; what is cold at first has become warm before. */
const PHASE_TIMES = [
  ['before', 5, CALM_S],
  ['during', rushAt, rushAt + WITHIN_S],
  ['after', afterAt, afterAt + CALM_S],
];

const arrivals = (phase, startS, rate, timeUnit, duration, most) => ({
  executor: 'constant-arrival-rate',
  startTime: `${startS}s`,
  rate,
  timeUnit,
  duration: `${duration}s`,
  // All of them beforehand: to make one while others arrive would delay those.
  preAllocatedVUs: most,
  gracefulStop: '300s',
  exec: 'visit',
  env: { PHASE: phase },
});

export const options = {
  scenarios: {
    before: arrivals('before', 0, CALM_A_SECOND, '1s', CALM_S, 40 * CALM_A_SECOND),
    during: arrivals('during', rushAt, VISITORS, `${WITHIN_S}s`, WITHIN_S, VISITORS),
    after: arrivals('after', afterAt, CALM_A_SECOND, '1s', CALM_S, 40 * CALM_A_SECOND),
    watch: {
      executor: 'constant-vus',
      vus: 1,
      duration: `${endS}s`,
      gracefulStop: '5s',
      exec: 'watch',
    },
  },
  // A browser that has not been here has no connection.
  noVUConnectionReuse: true,
  summaryTrendStats: ['med', 'p(99)', 'max', 'count'],
  systemTags: ['name', 'status'],
  setupTimeout: '120s',
  teardownTimeout: '120s',
};

const trends = {};
for (const phase of PHASES) {
  for (const step of MEASURED) trends[`${phase}_${step}`] = new Trend(`${phase}_${step}`);
}
const waited = new Trend('waited_s');
const counts = {};
for (const name of ['sent', 'joined', 'admitted', 'bought', 'polls', 'full', 'rivals', 'errors', 'over_cap']) {
  counts[name] = new Counter(name);
}
const audit = (...words) => console.log(['audit', ...words].join('\t'));

/** The operator makes a room in front of the largest house and opens it. */
export function setup() {
  const signIn = operatorOf();
  const entered = ask('POST', '/api/v1/sessions', { name: 'setup', body: signIn });
  if (entered.status >= 300) throw refusal('sign_in', entered);
  const cookie = Object.values(entered.cookies)
    .map(([{ name, value }]) => `${name}=${value}`)
    .join('; ');
  const operate = (method, path, body) => {
    const answer = ask(method, `/api/v1/operator/rooms${path}`, { name: 'setup', body, cookie });
    if (answer.status >= 300) throw refusal(`${method} ${path}`, answer);
    return answer.body ? answer.json() : null;
  };
  const performance = largest();
  for (const one of operate('GET', '').rooms) {
    if (one.performances.includes(performance)) {
      operate('DELETE', `/${one.id}/performances/${performance}`);
    }
  }
  const settings = {
    name: 'Surge',
    // Beyond what the cap lets through, so that the cap is what holds.
    rate_per_minute: 60_000,
    cap: CAP,
    idle_ms: IDLE_MS,
    pow_bits: POW_BITS,
    // A slot is kept free for hardly longer than a look at the document takes, so that at times more
    // are called than there is room for, and the claim itself has to say no.
    claim_ms: 1_500,
  };
  const made = operate('POST', '', { settings, performances: [performance] });
  operate('POST', `/${made.id}/actions`, { action: 'open' });
  // Others measure beside this script: they are told when what is.
  const begins = Date.now();
  for (const [phase, from, until] of PHASE_TIMES) {
    audit('phase', phase, begins + from * 1_000, begins + until * 1_000);
  }
  return { room: made.id, performance, cookie };
}

const OPERATOR = open(__ENV.ONSALE_OPERATOR);

function operatorOf() {
  const said = (name) => {
    const line = OPERATOR.split('\n').find((one) => one.startsWith(`${name}:`));
    if (!line) throw new Error(`${__ENV.ONSALE_OPERATOR} names no ${name}`);
    return line.slice(name.length + 1).trim();
  };
  return { email: said('address'), password: said('password') };
}

function largest() {
  const list = ask('GET', '/api/v1/performances', { name: 'setup' }).json('performances');
  const seats = ({ counts: { open, held, sold, closed } }) => open + held + sold + closed;
  const on = list.filter((one) => one.sale.state === 'on_sale' && one.simulated_fans !== true);
  if (on.length === 0) throw new Error('no performance is on sale without simulated fans');
  return on.sort((a, b) => seats(b) - seats(a))[0].id;
}

/** One browser, from opening the page to going. */
export function visit(run) {
  const phase = __ENV.PHASE;
  counts.sent.add(1);
  try {
    shop.open(run.performance);
    const joined = room.join(run.room);
    counts.joined.add(1);
    const since = Date.now();
    const on = { poll: () => counts.polls.add(1), full: () => counts.full.add(1) };
    const claimed = room.comeIn(run.room, run.performance, joined, on);
    const inside = Date.now();
    counts.admitted.add(1);
    if (phase === 'during') waited.add((inside - since) / 1_000);
    let outcome = 'lost';
    let went = 0;
    const go = (how) => {
      [outcome, went] = [how, Date.now()];
    };
    try {
      stay(run, phase, claimed, go);
    } finally {
      audit('visit', inside, went || Date.now(), outcome);
    }
  } catch (error) {
    failed(error);
  }
}

/** In the shop. Whoever goes says so before they ask, so that nobody counts as inside who may be out. */
function stay(run, phase, claimed, go) {
  const dice = Math.random() * 100;
  const think = (share) => sleep(share * (LEAST_STAY_S + Math.random() * STAY_SPREAD_S));
  trends[`${phase}_seats`].add(shop.seats(run.performance));
  if (dice >= THINK_BETTER && dice < LOOK) {
    think(1);
    go('looked');
    return room.leave(run.room, claimed.admission);
  }
  const held = shop.hold(run.performance, claimed);
  trends[`${phase}_hold`].add(held.ms);
  counts.rivals.add(held.rivals);
  think(1);
  if (dice < BUY) {
    go('bought');
    trends[`${phase}_checkout`].add(shop.pay(run.performance, claimed, held));
    counts.bought.add(1);
    return undefined;
  }
  if (dice < THINK_BETTER) {
    shop.release(run.performance, held);
    go('left');
    return room.leave(run.room, claimed.admission);
  }
  return go('vanished');
}

function failed(error) {
  const known = /^\w+$/.test(error.message) ? error.message : `script: ${error.message}`;
  counts.errors.add(1, { what: known });
  audit('error', Date.now(), known);
}

/** What the room says of itself, five times a second. */
export function watch(run) {
  const path = `/api/v1/operator/rooms/${run.room}/inside?limit=1000`;
  const answer = ask('GET', path, { name: 'watch', cookie: run.cookie });
  if (answer.status !== 200) {
    failed(refusal('watch', answer));
  } else {
    const { inside, active } = answer.json();
    if (active > CAP || inside.length > CAP) counts.over_cap.add(1);
    audit('inside', Date.now(), active, inside.length);
  }
  sleep(0.2);
}

/** The room's own book, when all is over. */
export function teardown(run) {
  const path = `/api/v1/operator/rooms/${run.room}/figures?limit=8640`;
  const answer = ask('GET', path, { name: 'teardown', cookie: run.cookie });
  if (answer.status !== 200) throw refusal('figures', answer);
  const { points, now } = answer.json();
  for (const { at_ms, active, waiting, totals } of [...points, now]) {
    const { joined, admitted, completed, abandoned, expired, most_inside } = totals;
    const counted = [joined, admitted, completed, abandoned, expired, most_inside];
    audit('figures', at_ms, active, waiting, ...counted);
  }
}

export function handleSummary({ metrics }) {
  const lines = [];
  const say = (name, value) => lines.push(`${name}\t${value}`);
  const count = (name) => (metrics[name] ? metrics[name].values.count : 0);
  for (const name of Object.keys(counts)) say(name, count(name));
  // Arrivals for which the generator had nobody left to send.
  say('not_sent', count('dropped_iterations'));
  say('requests', count('http_reqs'));
  for (const [name, trend] of [...Object.keys(trends), 'waited_s'].map((one) => [one, metrics[one]])) {
    if (!trend) continue;
    say(`${name}_count`, trend.values.count);
    say(`${name}_median`, trend.values.med);
    say(`${name}_p99`, trend.values['p(99)']);
    say(`${name}_max`, trend.values.max);
  }
  return { stdout: `${lines.join('\n')}\n` };
}

