from django.urls import path

from toguna.engines.ledger.desks import views

urlpatterns = [
    path("desk/cash/", views.counter, name="desk-cash"),
    path("desk/cash/open/<int:pk>", views.open_desk, name="desk-cash-open"),
    path("desk/cash/bills/<slug:reference>", views.bill, name="desk-cash-bill"),
    path("desk/cash/close", views.close, name="desk-cash-close"),
    path("desk/cash/count", views.count, name="desk-cash-count"),
    path("desk/cash/out", views.out, name="desk-cash-out"),
    path("desk/cash/hand-over", views.hand_over, name="desk-cash-hand-over"),
    path("desk/cash/pin", views.pin, name="desk-cash-pin"),
    path("desk/cash/sessions/<int:pk>", views.session, name="desk-cash-session"),
    path("desk/cash/sessions/<int:pk>/sign", views.sign, name="desk-cash-sign"),
    path("desk/cash/sessions/<int:pk>/take-over", views.take_over, name="desk-cash-take-over"),
    path("desk/cash/sessions/<int:pk>/take-back", views.take_back, name="desk-cash-take-back"),
    path("desk/cash/vouchers/<int:pk>.pdf", views.voucher, name="desk-cash-voucher"),
    path("desk/cash/board", views.board, name="desk-cash-board"),
    path("desk/cash/deposit", views.deposit, name="desk-cash-deposit"),
]
