package io.decamp.cli.bench;

import io.decamp.contracts.error.DecampException;
import io.decamp.contracts.id.WorkloadId;
import io.decamp.testkit.ChainContainer;
import io.decamp.testkit.ChainLog;
import io.decamp.testkit.ChainSpec;
import io.decamp.testkit.Lab;
import io.decamp.testkit.PidWorkload;
import io.decamp.testkit.PlainCriu;
import io.decamp.testkit.PostCopyCriu;

/** The self-checking workload of one run, as processes of a PID namespace or in a runc container. */
sealed interface Subject extends AutoCloseable {
    WorkloadId id();

    ChainLog log();

    /** Moves it with plain CRIU instead: stop-and-copy. */
    PlainCriu.Move moveBy(PlainCriu criu);

    /** Moves it with CRIU's own post-copy instead. */
    PlainCriu.Move moveBy(PostCopyCriu criu);

    @Override
    void close();

    static Subject start(String kind, Lab lab, ChainSpec spec, String name) {
        return switch (kind) {
            case "pid" -> {
                PidWorkload w = PidWorkload.start(spec, lab.alpha().enter());
                yield new Pid(WorkloadId.of("pid:" + w.locatorPid(), lab.alpha().id()), w);
            }
            case "runc" -> {
                yield new Runc(new WorkloadId("runc:" + name), ChainContainer.start(lab, lab.alpha(), name, spec));
            }
            default -> throw new IllegalArgumentException(kind);
        };
    }

    /** Processes of a PID namespace. */
    record Pid(WorkloadId id, PidWorkload workload) implements Subject {
        @Override
        public ChainLog log() {
            return workload.log();
        }

        @Override
        public PlainCriu.Move moveBy(PlainCriu criu) {
            return criu.move(workload);
        }

        @Override
        public PlainCriu.Move moveBy(PostCopyCriu criu) {
            return criu.move(workload);
        }

        @Override
        public void close() {
            workload.close();
        }
    }

    /** A container. */
    record Runc(WorkloadId id, ChainContainer workload) implements Subject {
        @Override
        public ChainLog log() {
            return workload.log();
        }

        @Override
        public PlainCriu.Move moveBy(PlainCriu criu) {
            return criu.move(workload.container());
        }

        @Override
        public PlainCriu.Move moveBy(PostCopyCriu criu) {
            throw DecampException.refused(
                    "engine-not-for-kind", "runc has no post-copy of its own", "Leave " + EvictRun.POST_COPY + " out");
        }

        @Override
        public void close() {
            workload.close();
        }
    }
}
