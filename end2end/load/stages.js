// People at an ordinary sale, at one server or several: each registers once, then browses, lists what is
// on, books two seats, looks at their bookings and asks whether the shop is well, again and again with a
// moment's thought between.
//
// What they do together is one of three:
//   stages  a closed model, 0 → 10 → 50 → 100 → 150 → 50 → 0 people
//   surge   a closed model, 50 people, of whom there are 2,000 from one moment to the next
//   stress  an open model: bookings begin at a rate that is raised step by step, whether or not the shop
//           keeps up
//
// `cargo xtask bench load_` runs them. By hand, against servers with `--rate 0 --trusted-proxy 127.0.0.1`
// on the data of `onsale demo --quiet --performances 100`, each performance at one of them as a proxy
// would have it, each person from an address of their own (150 who register from one are too many):
//
//   ONSALE_URL=http://127.0.0.1:8080,http://127.0.0.1:8081 MODEL=stages ADDRESSES=1 k6 run end2end/load/stages.js
//
// The summary is `NAME<tab>VALUE` a line; times are milliseconds as k6 sees them.

import { sleep } from 'k6';
import { Counter, Trend } from 'k6/metrics';
import { ask, refusal, uuid } from './http.js';
import * as shop from './shop.js';

const setting = (name, usual) => Number(__ENV[name] || usual);
const MODEL = __ENV.MODEL || 'stages';
const STAGE_S = setting('STAGE_S', 10);
const CROWD = setting('CROWD', 2_000);
const FEW = setting('FEW', 50);
/** Bookings that begin a second, in each step of the stress. */
const RATES = (__ENV.RATES || '50,100,200,300,400,600,800,1000,1400').split(',').map(Number);
/** People a stress may have at once: beyond that nobody is left to send, and that is counted. */
const MOST = setting('MOST', 2_000);
/** How long somebody thinks between one booking and the next look, seconds. */
const LEAST_THOUGHT_S = 1;
const THOUGHT_SPREAD_S = 2;

const STEPS = ['browse', 'register', 'list', 'hold', 'checkout', 'orders', 'health'];
/** So often somebody who is told that the shop is busy registers again. */
const PATIENCE = 30;
const counts = { errors: new Counter('errors'), busy: new Counter('busy'), conflicts: new Counter('conflicts'), booked: new Counter('booked') };
const trends = Object.fromEntries(STEPS.map((step) => [step, new Trend(step)]));
const steps = RATES.map((rate) => new Trend(`booking_at_${rate}`));

const models = {
  stages: {
    people: {
      executor: 'ramping-vus',
      startVUs: 0,
      stages: [10, 50, 100, 150, 50, 0].map((target) => ({ target, duration: `${STAGE_S}s` })),
      gracefulRampDown: '20s',
      exec: 'person',
    },
  },
  surge: {
    people: {
      executor: 'ramping-vus',
      startVUs: FEW,
      stages: [
        { target: FEW, duration: `${STAGE_S}s` },
        { target: CROWD, duration: '1s' },
        { target: CROWD, duration: `${3 * STAGE_S}s` },
        { target: FEW, duration: '1s' },
      ],
      gracefulRampDown: '30s',
      exec: 'person',
    },
  },
  stress: Object.fromEntries(
    RATES.map((rate, at) => [
      `at_${rate}`,
      {
        executor: 'constant-arrival-rate',
        startTime: `${at * STAGE_S}s`,
        duration: `${STAGE_S}s`,
        rate,
        timeUnit: '1s',
        preAllocatedVUs: Math.min(MOST, Math.max(50, rate)),
        maxVUs: MOST,
        gracefulStop: '5s',
        exec: 'booking',
        env: { AT: String(at) },
      },
    ]),
  ),
};
if (!models[MODEL]) throw new Error(`MODEL is ${MODEL}, not one of ${Object.keys(models)}`);

export const options = {
  scenarios: models[MODEL],
  noCookiesReset: MODEL !== 'stress',
  summaryTrendStats: ['count', 'med', 'p(95)', 'p(99)', 'max'],
  setupTimeout: '60s',
};

export function setup() {
  const answer = ask('GET', '/api/v1/performances', { name: 'setup' });
  if (answer.status !== 200) throw refusal('performances', answer);
  const onSale = answer.json('performances').filter(({ sale }) => sale.state === 'on_sale');
  return { performances: onSale.map((one) => one.id) };
}

const get = (step, path, accept) => {
  const answer = ask('GET', path, { name: step, accept });
  if (answer.status !== 200) throw refusal(step, answer);
  trends[step].add(answer.timings.duration);
};

/** Two seats of some performance; where somebody was quicker, none. */
function book(performances) {
  const performance = performances[Math.floor(Math.random() * performances.length)];
  let held;
  try {
    held = shop.hold(performance, {});
  } catch (error) {
    if (error.message !== 'hold_409_seats_taken') throw error;
    counts.conflicts.add(1);
    return;
  }
  trends.hold.add(held.ms);
  trends.checkout.add(shop.pay(performance, {}, held));
  counts.booked.add(1);
}

function counted(act) {
  try {
    act();
  } catch (error) {
    counts.errors.add(1);
    console.log(`error\t${error.message}`);
  }
}

let isRegistered = false;

/** Whoever is told that too many register at once comes back when they were told to. */
function register() {
  const since = Date.now();
  const body = { email: `fan-${uuid()}@example.org`, password: 'a long and quiet evening' };
  for (let tries = 1; ; tries += 1) {
    const answer = ask('POST', '/api/v1/accounts', { name: 'register', body });
    if (answer.status === 201) break;
    const comesBack = answer.status === 503 && answer.json('code') === 'busy' && tries < PATIENCE;
    if (!comesBack) throw refusal('register', answer);
    counts.busy.add(1);
    sleep(Number(answer.headers['Retry-After'] || 1) + Math.random());
  }
  trends.register.add(Date.now() - since);
}

export function person({ performances }) {
  counted(() => {
    get('browse', '/', 'text/html');
    if (!isRegistered) {
      register();
      isRegistered = true;
    }
    get('list', '/api/v1/performances');
    book(performances);
    get('orders', '/api/v1/orders');
    get('health', '/health');
  });
  sleep(LEAST_THOUGHT_S + Math.random() * THOUGHT_SPREAD_S);
}

export function booking({ performances }) {
  const since = Date.now();
  counted(() => book(performances));
  steps[Number(__ENV.AT)].add(Date.now() - since);
}

export function handleSummary({ metrics, state }) {
  const lines = [];
  const say = (name, value) => lines.push(`${name}\t${value}`);
  const count = (name) => (metrics[name] ? metrics[name].values.count : 0);
  for (const name of Object.keys(counts)) say(name, count(name));
  say('asked_again', count('asked_again'));
  say('not_sent', count('dropped_iterations'));
  say('requests', count('http_reqs'));
  say('seconds', state.testRunDurationMs / 1_000);
  for (const name of [...STEPS, ...RATES.map((rate) => `booking_at_${rate}`)]) {
    const trend = metrics[name];
    if (!trend || !trend.values.count) continue;
    say(`${name}_count`, trend.values.count);
    say(`${name}_median`, trend.values.med);
    say(`${name}_p95`, trend.values['p(95)']);
    say(`${name}_p99`, trend.values['p(99)']);
  }
  return { stdout: `${lines.join('\n')}\n` };
}
