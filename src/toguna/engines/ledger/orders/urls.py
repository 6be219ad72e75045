from django.urls import path

from toguna.engines.ledger.orders import views

urlpatterns = [
    path("pay/orders/", views.mine, name="pay-orders"),
    path("pay/orders/<slug:reference>", views.begin, name="pay-order"),
    path("desk/ledger/orders/", views.orders, name="desk-orders"),
    path("desk/ledger/orders/new/<int:payer>", views.desk_begin, name="desk-order-new"),
    path("desk/ledger/orders/<int:pk>/end", views.desk_end, name="desk-order-end"),
]
