/**
 * What is learned of a workload while it runs: how often its pages are written, what tracking, copying and sending
 * cost, and what an eviction would take. Plain computation: no thread, no clock, no I/O but one small file of costs.
 */
package io.decamp.snapshotter.engine.model;
