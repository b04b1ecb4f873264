/**
 * Brings copies to life inside a VM of this node, through QEMU's monitor and the guest's agent, without any network.
 */
package io.decamp.restorer.engine.vm;
