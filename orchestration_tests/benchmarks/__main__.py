"""All benchmarks, one after the other; each prints its ratios and runs by itself too."""

from __future__ import annotations

from orchestration_tests.benchmarks import (
    canvas,
    catalogue,
    dagster_share,
    gallery,
    media_gc,
    metrics,
    mockup_jobs,
    mockups,
    previews,
    previews_load,
    print_orders,
    prints,
    work_queue,
)

work_queue.main()
catalogue.main()
dagster_share.main()
prints.main([])
print_orders.main()
gallery.main()
canvas.main()
media_gc.main()
metrics.main()
mockups.main([])
mockup_jobs.main()
previews.main()
previews_load.main()
