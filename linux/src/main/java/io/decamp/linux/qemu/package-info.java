/**
 * QEMU's control sockets, as this node's VMs are registered: the monitor (QMP), the guest's agent, and who they belong to.
 */
package io.decamp.linux.qemu;
