package io.decamp.cli.soak;

import java.util.EnumSet;
import java.util.Set;

/** What goes wrong, and in which phases it can. */
public enum Fault {
    /** SIGKILL to the services of the node that the workload leaves; started again after the outage. */
    KILL_SOURCE(EnumSet.allOf(Phase.class)),
    /** SIGKILL to the services of the node that it goes to. */
    KILL_DESTINATION(EnumSet.allOf(Phase.class)),
    /** SIGKILL to the criu that holds or restores it. Before it holds, the workload would not survive that, by criu's design. */
    KILL_CRIU(EnumSet.of(Phase.HELD, Phase.OFFERING, Phase.PREPARING)),
    /** SIGKILL to the only broker. */
    KILL_BROKER(EnumSet.of(
            Phase.PROTECTING, Phase.REQUESTED, Phase.FREEZING, Phase.HELD, Phase.OFFERING, Phase.TAKEN, Phase.RELEASED)),
    /** No packet passes between the nodes; the broker is reached. */
    CUT_LINK(EnumSet.of(Phase.PROTECTING, Phase.REQUESTED, Phase.FREEZING, Phase.HELD, Phase.OFFERING));

    private final Set<Phase> phases;

    Fault(Set<Phase> phases) {
        this.phases = phases;
    }

    public Set<Phase> phases() {
        return phases;
    }
}
