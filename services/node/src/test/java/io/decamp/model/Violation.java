package io.decamp.model;

/** Thrown by a move that must never be possible. */
final class Violation extends RuntimeException {
    Violation(String what) {
        super(what, null, false, false);
    }
}
