/** userfaultfd: tracking of writes and serving of missing pages. */
package io.decamp.linux.uffd;
