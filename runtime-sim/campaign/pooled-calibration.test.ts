import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pooledCalibrations } from './pooled-calibration.js';

const pooled = suite('pooled calibration');

pooled('runs of all scenarios are added up by title, and scored against the base rate', () => {
  const [one, other] = pooledCalibrations([
    { certain: [[10, 10, 9, 1]], vague: [[0, 0, 0, 0]] },
    {
      certain: [
        [10, 1, 1, 0.9],
        [10, 10, 10, 0],
      ],
    },
  ]).filter(({ claims }) => claims > 0);
  assert.is(other, undefined);
  assert.is(one.name, 'certain');
  assert.is(one.claims, 30);
  assert.is(one.baseRate, 0.6667);
  assert.is(one.brier, 0.0633);
  assert.is(one.skill, 0.715);
  // What one scenario claims too much another claims too little: by bins they are told apart.
  assert.is(one.calibrationError, 0.0333);
});

pooled('where everything came true nothing could be told apart', () => {
  assert.is(pooledCalibrations([{ sure: [[5, 4, 5, 0.2]] }])[0].skill, null);
});

pooled.run();
