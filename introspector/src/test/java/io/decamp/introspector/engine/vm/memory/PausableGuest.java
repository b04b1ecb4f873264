package io.decamp.introspector.engine.vm.memory;

import io.decamp.introspector.engine.vm.guest.GuestKernel;
import io.decamp.introspector.engine.vm.guest.KernelObject;
import io.decamp.introspector.engine.vm.guest.RecordedGuest;

/** A VM that only notes how often it was paused; its kernel is a recorded one, for its types. */
final class PausableGuest implements VmAccess {
    private final GuestKernel kernel = RecordedGuest.load("guest-6.1").attach();
    private int pauses;
    private boolean paused;

    int pauses() {
        return pauses;
    }

    boolean isPaused() {
        return paused;
    }

    @Override
    public Paused pause() {
        pauses++;
        paused = true;
        return () -> paused = false;
    }

    @Override
    public GuestKernel guest() {
        return kernel;
    }

    @Override
    public KernelObject init() {
        throw new UnsupportedOperationException();
    }

    @Override
    public RamTracking tracking() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void untrack() {}
}
