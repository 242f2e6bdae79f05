"""The states of orders and print tasks, as their columns hold them.

Printing and rendering are independent: `PrintStatus` belongs to the workshop, and no rendering ever touches it. Keep
out: moving a task from one state to the next (`records`, `reset`, `pending`).
"""

from __future__ import annotations

from enum import StrEnum


class OrderStatus(StrEnum):
    """An order's status as ShipStation names it (`orderStatus` of its API)."""

    AWAITING_PAYMENT = "awaiting_payment"
    AWAITING_SHIPMENT = "awaiting_shipment"
    PENDING_FULFILLMENT = "pending_fulfillment"
    SHIPPED = "shipped"
    ON_HOLD = "on_hold"
    CANCELLED = "cancelled"
    REJECTED_FULFILLMENT = "rejected_fulfillment"


class InternalStatus(StrEnum):
    """An order's status in the shop."""

    NEW = "new"
    PROCESSING = "processing"
    PRINTING = "printing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class PrintStatus(StrEnum):
    """How far the printing of a task is."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class RenderState(StrEnum):
    """How far the files of a task are."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
