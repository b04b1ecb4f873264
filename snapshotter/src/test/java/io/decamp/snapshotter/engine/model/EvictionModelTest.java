package io.decamp.snapshotter.engine.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class EvictionModelTest {
    private static final long GIB = 1L << 30;
    private static final double PAGES = GIB / 4096.0;

    private static Costs costs(double bytesPerSecond) {
        return new CostModel(null).costs("pid", GIB, new EpochCosts(), (long) bytesPerSecond);
    }

    private static WriteCurve uniform(double writesPerSecond, double pages) {
        return new WriteCurve(
                new double[] {0, writesPerSecond / pages},
                new double[] {PAGES - pages, pages},
                1,
                0,
                WriteCurve.Growth.NONE);
    }

    @Test
    void shouldTakeNoRoundWhenNothingIsOwed() {
        Prediction p = EvictionModel.predict(uniform(0, PAGES), Double.POSITIVE_INFINITY, 1, 0, costs(118e6));

        assertEquals("small-enough", p.convergedBy());
        assertEquals(costs(118e6).freezeMicros(), p.freezeMicros(), 1);
        assertEquals(p.roundsMicros() + p.freezeMicros() + p.finalDeltaMicros() + p.handOffMicros(), p.totalMicros());
    }

    @Test
    void shouldTakeAsLongAsWhatIsOwedTakesOnTheLink() {
        double owed = 100_000;

        Prediction p = EvictionModel.predict(uniform(0, PAGES), Double.POSITIVE_INFINITY, 0, owed, costs(118e6));

        assertEquals(owed * 4096 / 118e6 * 1e6, p.sendingMicros() + p.overlappedMicros(), 200_000);
    }

    @Test
    void shouldGrowWithTheTimeSinceTheScan() {
        long before = 0;
        for (double seconds : new double[] {0.1, 0.5, 1, 3, 10}) {
            long now = EvictionModel.predict(uniform(10_000, PAGES), Double.POSITIVE_INFINITY, seconds, 0, costs(118e6))
                    .totalMicros();
            assertTrue(now >= before, "at " + seconds);
            before = now;
        }
    }

    @Test
    void shouldCountOpenPagesAsOwedFromTheStart() {
        WriteCurve curve = uniform(40_000, 20_000);

        Prediction closed = EvictionModel.predict(curve, 3, 0.01, 0, costs(118e6));
        Prediction open = EvictionModel.predict(curve, 1, 0.01, 0, costs(118e6));

        assertTrue(open.totalMicros() > closed.totalMicros() + 300_000, open + " against " + closed);
    }

    @Test
    void shouldEndInBoundedTimeWhateverTheWriterAndTheLink() {
        for (double writes : new double[] {0, 1e3, 1e5, 1e7, 1e9}) {
            for (double link : new double[] {1, 1e5, 1e7, 1e10}) {
                Prediction p =
                        EvictionModel.predict(uniform(writes, PAGES), Double.POSITIVE_INFINITY, 60, 0, costs(link));

                double whole = GIB / Math.min(link, 2e9) * 1e6;
                assertTrue(p.totalMicros() <= 4 * whole + 2_000_000, writes + " writes/s at " + link + " B/s: " + p);
            }
        }
    }

    @Test
    void shouldSayThatSendingTheRestTakesLongerThanTheFreeze() {
        Prediction p = EvictionModel.predict(uniform(1e6, PAGES), Double.POSITIVE_INFINITY, 1, 0, costs(118e6));

        assertEquals(p.freezeMicros(), p.overlappedMicros());
        assertTrue(p.freezeMicros() > costs(118e6).freezeMicros());
    }
}
