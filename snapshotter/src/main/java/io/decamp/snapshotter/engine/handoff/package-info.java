/** The source's half of the hand-off: from the OFFER until exactly one copy lives. */
package io.decamp.snapshotter.engine.handoff;
