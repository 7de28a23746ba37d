import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { confidence } from './confidence.js';
import { clustersMin, type Forecast, resampledMin, scoreForecasts } from './forecast-scores.js';
import type { FaultRecord, Operation, Verdict } from './history.js';
import { HistoryBuilder } from './history-builder.js';

const calibration = suite('confidence');

type Figures = Verdict & Record<string, unknown>;

/** So many reads over half a minute, of which every `staleEvery`-th sees what was replaced; all say the same. */
function readsThatSay(
  probability: number,
  staleEvery: number,
  answeredAs: Operation['answeredAs'] = 'replica',
  apartMs = 150,
): HistoryBuilder {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { process: 'q' });
  told.remember('x', 'v2', { process: 'q' });
  for (let at = 1; at <= resampledMin * 2; at += 1) {
    told.get('x', [at % staleEvery === 0 ? 'v1' : 'v2'], { answeredAs, noNewerVersion: probability });
    told.wait(apartMs);
  }
  return told;
}

calibration('a probability that holds is ok, one that does not is a violation', () => {
  assert.is(confidence(readsThatSay(0.9, 10).build()).verdict, 'ok');
  const overconfident = confidence(readsThatSay(1, 2).build()) as Figures;
  assert.is(overconfident.verdict, 'violation');
  assert.match(overconfident.reason as string, /replica before-faults by 0.5/);
  assert.is(confidence(readsThatSay(1, 10).build()).verdict, 'ok', 'a tenth is for many runs to judge');
  assert.is(confidence(readsThatSay(0.5, 1_000).build()).verdict, 'violation', 'too little trust is wrong as well');
});

calibration('provisional answers are scored and not judged, and few say nothing', () => {
  const provisional = confidence(readsThatSay(1, 5, 'provisional').build()) as Figures;
  assert.is(provisional.verdict, 'not-applicable');
  assert.is(Object.keys(provisional.scores as object)[0], 'provisional before-faults');
  const few = new HistoryBuilder();
  few.remember('x', 'v1');
  few.get('x', ['v1'], { noNewerVersion: 0.5, answeredAs: 'replica' });
  assert.is(confidence(few.build()).verdict, 'not-applicable');
  assert.is(confidence(new HistoryBuilder().build()).verdict, 'not-applicable');
});

calibration('what runs are added up by: bins of equal width with said, happened and squared errors', () => {
  const { calibrations } = confidence(readsThatSay(0.75, 10).build()) as Figures;
  const bins = (calibrations as Record<string, number[][]>)['no newer version, replica, before-faults'];
  assert.equal(
    bins?.map(([forecasts]) => forecasts),
    [0, 0, 0, 0, 0, 0, 0, 200, 0, 0],
  );
  assert.equal(bins?.[7], [200, 150, 180, 20 * 0.75 ** 2 + 180 * 0.25 ** 2]);
});

calibration('what a single fault has made old is few witnesses, however often it is read; many faults are many', () => {
  const cut = (atMs: number): FaultRecord => ({ fault: 'cut', family: 'partition', atMs, tookEffect: true });
  const always = readsThatSay(1, 1);
  assert.is(confidence(always.build({ faults: [cut(0), cut(60_000)] })).verdict, 'not-applicable');
  const many = confidence(always.build({ faults: Array.from({ length: 60 }, (_, n) => cut(n * 1_000)) })) as Figures;
  assert.match(many.reason as string, /replica during-faults by 1/);
});

calibration('forecasts that fail together leave a wider interval than as many that fail alone', () => {
  const forecasts = Array.from({ length: 400 }, (_, at) => ({
    probability: 1,
    happened: Math.floor(at / 20) % 4 > 0,
    cluster: `${Math.floor(at / 20)}`,
  }));
  const width = (of: readonly Forecast[]): number => {
    const [low, high] = scoreForecasts(of).calibrationErrorInterval ?? [0, 0];
    return high - low;
  };
  assert.is(scoreForecasts(forecasts).clusters, 20);
  assert.ok(width(forecasts) > 2 * width(forecasts.map(({ probability, happened }) => ({ probability, happened }))));
  assert.is(
    scoreForecasts(forecasts.map((each, at) => ({ ...each, cluster: `${at % (clustersMin - 1)}` }))).calibrationErrorInterval,
    null,
  );
});

calibration('phases are told apart', () => {
  const told = readsThatSay(1, 1_000, 'replica', 0);
  const fault = (atMs: number): FaultRecord => ({ fault: 'cut', family: 'partition', atMs, tookEffect: true });
  const { scores } = confidence(told.build({ faults: [fault(520), fault(1_020)] })) as Figures & {
    scores: Record<string, { forecasts: number }>;
  };
  assert.equal(
    Object.entries(scores).map(([name, { forecasts }]) => [name, forecasts]),
    [
      ['replica before-faults', 50],
      ['replica during-faults', 51],
      ['replica after-faults', 99],
    ],
  );
});

calibration('scores are those of their definitions', () => {
  const scores = scoreForecasts([
    { probability: 0.8, happened: true },
    { probability: 0.8, happened: true },
    { probability: 0.4, happened: false },
    { probability: 0.4, happened: true },
  ]);
  assert.is(scores.baseRate, 0.75);
  assert.is(scores.brier, 0.15);
  assert.is(scores.skill, 0.2);
  assert.is(scores.logScore, Math.round(((-2 * Math.log(0.8) - Math.log(0.6) - Math.log(0.4)) / 4) * 10_000) / 10_000);
  assert.is(scores.calibrationError, 0.15);
  assert.equal(scores.bins, [
    { forecasts: 2, said: 0.4, happened: 0.5 },
    { forecasts: 2, said: 0.8, happened: 1 },
  ]);
  assert.is(scoreForecasts([{ probability: 1, happened: false }]).logScore, 13.8155);
  assert.is(scoreForecasts([{ probability: 0.5, happened: true }]).skill, null);
});

calibration('the interval holds the error of what is calibrated and is the same every time', () => {
  const forecasts = Array.from({ length: 400 }, (_, at) => ({
    probability: (at % 10) / 10 + 0.05,
    happened: (at * 7919) % 400 < ((at % 10) / 10 + 0.05) * 400,
  }));
  const { calibrationError, calibrationErrorInterval } = scoreForecasts(forecasts);
  if (calibrationErrorInterval === null) throw new Error('there are enough forecasts');
  assert.ok(calibrationErrorInterval[0] <= calibrationErrorInterval[1]);
  assert.is(scoreForecasts(forecasts.slice(1, resampledMin)).calibrationErrorInterval, null);
  assert.ok(calibrationError < 0.1, `${calibrationError}`);
  assert.equal(scoreForecasts(forecasts.toReversed()).calibrationError, calibrationError);
  assert.equal(scoreForecasts(forecasts).calibrationErrorInterval, calibrationErrorInterval);
});

calibration.run();
