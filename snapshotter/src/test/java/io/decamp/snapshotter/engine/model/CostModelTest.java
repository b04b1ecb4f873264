package io.decamp.snapshotter.engine.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.decamp.contracts.v1.EvictionTimes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CostModelTest {
    private static final long SEED = 7;
    private static final long GIB = 1L << 30;
    private static final EpochCosts EPOCHS = new EpochCosts();

    @TempDir
    private Path state;

    private static Prediction predicted(CostModel model, String kind, long bytes) {
        return EvictionModel.predict(WriteCurve.NONE, 1, 0, 0, model.costs(kind, bytes, EPOCHS, 118_000_000));
    }

    /** Freeze 30 ms + 200 ms a GiB, final delta 50 ms, hand-off 180 ms, 60 ms before; a tenth of noise. */
    private static EvictionTimes real(long bytes, SplittableRandom random) {
        double noise = 0.9 + 0.2 * random.nextDouble();
        long freeze = Math.round((30_000 + 200_000.0 * bytes / GIB) * noise);
        return EvictionTimes.newBuilder()
                .setRoundsMicros(Math.round(60_000 * noise))
                .setFreezeMicros(freeze)
                .setFinalDeltaMicros(50_000)
                .setHandOffMicros(180_000)
                .setTotalMicros(Math.round(60_000 * noise) + freeze + 230_000)
                .setDowntimeMicros(Math.round((freeze + 230_000) * 0.7))
                .build();
    }

    private static void evict(CostModel model, int times, SplittableRandom random) {
        for (int i = 0; i < times; i++) {
            long bytes = GIB / 16 << random.nextInt(6);
            model.evicted("pid", bytes, predicted(model, "pid", bytes), real(bytes, random), false);
        }
    }

    @Test
    void shouldStartFromWhatWasMeasuredForTheSpecification() {
        CostModel model = new CostModel(null);

        Costs pid = model.costs("pid", GIB, EPOCHS, 0);
        Costs runc = model.costs("runc", GIB, EPOCHS, 0);

        assertEquals(120_000, pid.freezeMicros(), 1);
        assertEquals(100_000, pid.handOffMicros(), 1);
        assertEquals(
                250_000,
                runc.freezeMicros() + runc.handOffMicros() - pid.freezeMicros() - pid.handOffMicros(),
                1);
        assertEquals(0, model.predictions());
        assertEquals(0, model.predictionError());
    }

    @Test
    void shouldLearnWhatFreezeAndHandOffCostBySize() {
        CostModel model = new CostModel(null);
        SplittableRandom random = new SplittableRandom(SEED);

        evict(model, 20, random);

        for (long bytes : new long[] {GIB / 16, GIB / 2, 2 * GIB}) {
            Costs told = model.costs("pid", bytes, EPOCHS, 0);
            double freeze = 30_000 + 200_000.0 * bytes / GIB;
            assertEquals(freeze, told.freezeMicros(), 0.1 * freeze + 20_000, "freeze of " + bytes);
            assertEquals(180_000, told.handOffMicros(), 20_000);
            assertEquals(0.7, told.downtimeShare(), 0.05);
        }
    }

    @Test
    void shouldPredictWithinATenthOnceItHasSeenAFew() {
        CostModel model = new CostModel(null);
        SplittableRandom random = new SplittableRandom(SEED);
        evict(model, 10, random);
        double worst = 0;

        for (int i = 0; i < 20; i++) {
            long bytes = GIB / 16 << random.nextInt(6);
            EvictionTimes real = real(bytes, random);
            double told = predicted(model, "pid", bytes).totalMicros();
            worst = Math.max(worst, Math.abs(told - real.getTotalMicros()) / real.getTotalMicros());
        }

        System.out.printf("worst of 20 predictions after 10 evictions: %.1f %%%n", worst * 100);
        assertTrue(worst < 0.15, "worst " + worst);
    }

    @Test
    void shouldNotBeLedAstrayByOneSizeOnly() {
        CostModel model = new CostModel(null);
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < 10; i++) {
            model.evicted("pid", GIB, predicted(model, "pid", GIB), real(GIB, random), false);
        }

        assertEquals(230_000, model.costs("pid", GIB, EPOCHS, 0).freezeMicros(), 30_000);
        double small = model.costs("pid", GIB / 16, EPOCHS, 0).freezeMicros();
        assertTrue(small > 10_000 && small < 230_000, "64 MiB: " + small);
    }

    @Test
    void shouldNotLearnTheHandOffFromADryRunNorTheFreezeFromASlowLink() {
        CostModel model = new CostModel(null);
        EvictionTimes real = real(GIB, new SplittableRandom(SEED)).toBuilder()
                .setFreezeMicros(5_000_000)
                .build();
        Prediction slow = new Prediction(50_000, 20_000, 4_000_000, 20_000, 100_000, 1, 4_000_000, "no-gain");

        model.evicted("pid", GIB, slow, real, true);

        Costs told = model.costs("pid", GIB, EPOCHS, 0);
        assertEquals(100_000, told.handOffMicros(), 1);
        assertEquals(120_000, told.freezeMicros(), 1);
    }

    @Test
    void shouldRememberOverARestart() {
        CostModel model = new CostModel(state);
        evict(model, 12, new SplittableRandom(SEED));

        CostModel again = new CostModel(state);

        assertEquals(model.costs("pid", GIB, EPOCHS, 0), again.costs("pid", GIB, EPOCHS, 0));
        assertEquals(model.predictions(), again.predictions());
        assertEquals(model.predictionError(), again.predictionError(), 1e-3);
    }

    @Test
    void shouldLearnAnewWhenItsFileIsBroken() throws IOException {
        evict(new CostModel(state), 3, new SplittableRandom(SEED));
        Path file = state.resolve("costs.properties");
        String[] all = {"version=1\npid.freeze=NaN 1 2 3 4\n", "version=9\n", "\\u00zz", "version=1\npid.rounds=1\n"};
        for (String broken : all) {
            Files.writeString(file, broken);

            CostModel again = new CostModel(state);

            assertEquals(120_000, again.costs("pid", GIB, EPOCHS, 0).freezeMicros(), 1, broken);
        }
    }

    @Test
    void shouldLearnWhatTheWayToTheStandbyGivesWhereNobodyMeasuresIt() {
        EpochCosts epochs = new EpochCosts();
        for (int i = 0; i < 30; i++) {
            boolean small = i % 3 == 0;
            long bytes = small ? 10_000 : 20_000_000;
            epochs.learn(GIB, bytes / 4096, bytes, 1, 2_000, 2_000 + 8_000 + bytes / 50);
        }

        assertEquals(50e6, epochs.sendBytesPerSecond(0), 3e6);
        assertEquals(8_000, epochs.roundMicros(), 1_000);
        assertEquals(7.6, epochs.scanNanosPerPage(), 0.2);
        assertEquals(12_000_000, epochs.sendBytesPerSecond(12_000_000));
    }

    @Test
    void shouldCutOneMeasurementThatIsFarOff() {
        CostModel model = new CostModel(null);
        SplittableRandom random = new SplittableRandom(SEED);
        evict(model, 10, random);
        double before = model.costs("pid", GIB, EPOCHS, 0).handOffMicros();

        EvictionTimes hung = real(GIB, random).toBuilder().setHandOffMicros(60_000_000).build();
        model.evicted("pid", GIB, predicted(model, "pid", GIB), hung, false);
        evict(model, 10, random);

        assertEquals(before, model.costs("pid", GIB, EPOCHS, 0).handOffMicros(), before * 0.25);
    }
}
