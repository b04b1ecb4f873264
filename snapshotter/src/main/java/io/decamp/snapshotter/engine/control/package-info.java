/**
 * Chooses how often a workload is scanned and which of its pages stay unprotected, from what was learned and is asked
 * for.
 */
package io.decamp.snapshotter.engine.control;
