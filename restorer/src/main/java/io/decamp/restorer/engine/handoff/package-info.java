/** The destination's half of the hand-off: from a sealed replica to a running copy, or to none. */
package io.decamp.restorer.engine.handoff;
